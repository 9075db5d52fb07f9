// The exact bytes of forwarded response heads.

#include "tests/core/proxy/heads.hpp"

namespace weir::proxy::test {
namespace {

struct Forwarder {
  Forwarding rules;
  HeaderEdit edit;
  ForwardResponse response;
  http::Method method = http::Method::get;
  bool plan_as_received = true;
  std::size_t slices = 0;

  Forwarder() { rules.via = false; }

  std::string operator()(std::initializer_list<std::string_view> received) {
    const Response parsed(lines(received), method);
    response.head = &parsed.head();
    response.rules = &rules;
    const AppliedEdit applied(&edit);
    response.edits = {&applied, 1};
    if (plan_as_received) response.body = {parsed.head().framing, parsed.head().content_length};
    BufferPool pool;
    http::SliceWriter out;
    out.reset(pool);
    write_response_head(response, out);
    slices = out.slices().size();
    const std::string text = text_of(out);
    out.reset(pool);
    return text;
  }
};

TEST_CASE("An untouched response head is one run of the received bytes") {
  Forwarder forward;
  const auto same = {std::string_view("HTTP/1.1 200 Fine"), std::string_view("Content-Length: 5"),
                     std::string_view("Set-Cookie: a=b")};
  CHECK(forward(same) == lines(same));
  CHECK(forward.slices == 1);
}

TEST_CASE("Hop-by-hop response fields are removed, and those that Connection names") {
  Forwarder forward;
  CHECK(forward({"HTTP/1.1 200 OK", "Connection: keep-alive, X-Hop", "Keep-Alive: timeout=5", "X-Hop: 1",
                 "Proxy-Authenticate: Basic", "Proxy-Connection: keep-alive", "Content-Length: 0", "Upgrade: h2c",
                 "X-End: 2"}) == lines({"HTTP/1.1 200 OK", "Content-Length: 0", "X-End: 2"}));
}

TEST_CASE("A response's framing is written as planned") {
  const auto received = {std::string_view("HTTP/1.1 200 OK"), std::string_view("Transfer-Encoding: chunked"),
                         std::string_view("Trailer: x-sum"), std::string_view("A: 1")};
  Forwarder kept;
  CHECK(kept(received) == lines(received));
  Forwarder until_close;
  until_close.plan_as_received = false;
  until_close.response.body = {http::Framing::until_close, 0};
  until_close.response.close = true;
  CHECK(until_close(received) == lines({"HTTP/1.1 200 OK", "A: 1", "Connection: close"}));
  Forwarder chunked;
  chunked.plan_as_received = false;
  chunked.response.body = {http::Framing::chunked, 0};
  CHECK(chunked({"HTTP/1.1 200 OK", "A: 1"}) == lines({"HTTP/1.1 200 OK", "A: 1", "Transfer-Encoding: chunked"}));
}

TEST_CASE("An empty response keeps its length, whatever the plan calls it") {
  Forwarder forward;
  forward.plan_as_received = false;
  CHECK(forward({"HTTP/1.1 200 OK", "Content-Length: 0"}) == lines({"HTTP/1.1 200 OK", "Content-Length: 0"}));
}

TEST_CASE("A response without a body keeps the length it speaks of") {
  Forwarder head;
  head.method = http::Method::head;
  head.plan_as_received = false;
  head.response.keep_length = true;
  const auto about = {std::string_view("HTTP/1.1 200 OK"), std::string_view("Content-Length: 1234"),
                      std::string_view("A: 1")};
  CHECK(head(about) == lines(about));
  Forwarder not_modified;
  not_modified.plan_as_received = false;
  not_modified.response.keep_length = true;
  const auto cached = {std::string_view("HTTP/1.1 304 Not Modified"), std::string_view("Content-Length: 99")};
  CHECK(not_modified(cached) == lines(cached));
}

TEST_CASE("A transfer coding is never told to a client of HTTP/1.0") {
  Forwarder head;
  head.method = http::Method::head;
  head.plan_as_received = false;
  head.response.keep_length = true;
  head.response.client_minor_version = 0;
  CHECK(head({"HTTP/1.1 200 OK", "Transfer-Encoding: chunked", "A: 1"}) == lines({"HTTP/1.1 200 OK", "A: 1"}));
}

TEST_CASE("A response that cannot have a body says nothing about its length") {
  Forwarder forward;
  forward.plan_as_received = false;
  forward.response.keep_length = true;
  CHECK(forward({"HTTP/1.1 204 No Content", "Content-Length: 0", "A: 1"}) ==
        lines({"HTTP/1.1 204 No Content", "A: 1"}));
}

TEST_CASE("Framing fields that were ignored are not forwarded") {
  Forwarder forward;
  forward.plan_as_received = false;
  forward.response.keep_length = true;
  CHECK(forward({"HTTP/1.1 204 No Content", "Transfer-Encoding: chunked", "Content-Length: 3", "A: 1"}) ==
        lines({"HTTP/1.1 204 No Content", "A: 1"}));
  CHECK(forward({"HTTP/1.1 304 Not Modified", "Content-Length: 3", "A: 1", "Transfer-Encoding: chunked"}) ==
        lines({"HTTP/1.1 304 Not Modified", "A: 1"}));
}

TEST_CASE("The version of a response is weir's") {
  Forwarder forward;
  forward.rules.via = true;
  CHECK(forward({"HTTP/1.0 200 OK", "Content-Length: 1"}) ==
        lines({"HTTP/1.1 200 OK", "Content-Length: 1", "Via: 1.0 weir"}));
}

TEST_CASE("The client is told how the connection goes on") {
  const auto received = {std::string_view("HTTP/1.1 200 OK"), std::string_view("Connection: close"),
                         std::string_view("Content-Length: 1")};
  Forwarder closing;
  closing.response.close = true;
  CHECK(closing(received) == lines({"HTTP/1.1 200 OK", "Content-Length: 1", "Connection: close"}));
  Forwarder staying;
  CHECK(staying(received) == lines({"HTTP/1.1 200 OK", "Content-Length: 1"}));
  Forwarder old;
  old.response.client_minor_version = 0;
  old.response.keep_alive_1_0 = true;
  CHECK(old(received) == lines({"HTTP/1.1 200 OK", "Content-Length: 1", "Connection: keep-alive"}));
}

TEST_CASE("A switch of protocols keeps Upgrade and names it in Connection") {
  Forwarder forward;
  forward.plan_as_received = false;
  forward.response.upgrade = true;
  CHECK(forward({"HTTP/1.1 101 Switching Protocols", "Upgrade: websocket", "Connection: Upgrade", "A: 1"}) ==
        lines({"HTTP/1.1 101 Switching Protocols", "Upgrade: websocket", "A: 1", "Connection: upgrade"}));
}

TEST_CASE("Via is appended and the request id replaces the upstream's") {
  Forwarder forward;
  forward.rules.via = true;
  forward.response.request_id = "ours";
  CHECK(forward({"HTTP/1.1 200 OK", "Via: 1.1 inner", "x-request-id: theirs", "Content-Length: 0"}) ==
        lines({"HTTP/1.1 200 OK", "Via: 1.1 inner", "Content-Length: 0", "Via: 1.1 weir", "X-Request-ID: ours"}));
  Forwarder silent;
  CHECK(silent({"HTTP/1.1 200 OK", "X-Request-ID: theirs", "Content-Length: 0"}) ==
        lines({"HTTP/1.1 200 OK", "X-Request-ID: theirs", "Content-Length: 0"}));
}

TEST_CASE("A final response that has no Date gets one") {
  Forwarder forward;
  forward.response.date = "Sat, 28 Nov 2026 20:00:00 GMT";
  CHECK(forward({"HTTP/1.1 200 OK", "Content-Length: 0"}) ==
        lines({"HTTP/1.1 200 OK", "Content-Length: 0", "Date: Sat, 28 Nov 2026 20:00:00 GMT"}));
  const auto dated = {std::string_view("HTTP/1.1 200 OK"), std::string_view("date: Fri, 27 Nov 2026 20:00:00 GMT"),
                      std::string_view("Content-Length: 0")};
  CHECK(forward(dated) == lines(dated));
  forward.plan_as_received = false;
  forward.response.body = {};
  const auto hints = {std::string_view("HTTP/1.1 103 Early Hints"), std::string_view("A: 1")};
  CHECK(forward(hints) == lines(hints));
}

TEST_CASE("A route that removes or sets Date has its way") {
  Forwarder forward;
  forward.response.date = "Sat, 28 Nov 2026 20:00:00 GMT";
  forward.edit.remove = {"date"};
  for (const std::string_view received : {"Date: Fri, 27 Nov 2026 20:00:00 GMT", "A: 1"})
    CHECK(forward({"HTTP/1.1 200 OK", "Content-Length: 0", received}).find("ate:") == std::string::npos);
  forward.edit = {};
  forward.edit.set = {{"Date", "now"}};
  CHECK(forward({"HTTP/1.1 200 OK", "Content-Length: 0"}) ==
        lines({"HTTP/1.1 200 OK", "Content-Length: 0", "Date: now"}));
}

TEST_CASE("A route removes, sets and adds response header lines, but not framing") {
  Forwarder forward;
  forward.edit.remove = {"Server", "Content-Length"};
  forward.edit.set = {{"Cache-Control", "no-store"}, {"Connection", "close"}};
  forward.edit.add = {{"X-Served-By", "weir"}, {"Transfer-Encoding", "chunked"}, {"Host", "x"}};
  CHECK(forward({"HTTP/1.1 200 OK", "Server: old", "cache-control: public", "Content-Length: 3"}) ==
        lines({"HTTP/1.1 200 OK", "Content-Length: 3", "Cache-Control: no-store", "X-Served-By: weir"}));
}

TEST_CASE("An interim response is not edited") {
  Forwarder forward;
  forward.plan_as_received = false;
  forward.edit.add = {{"X-Served-By", "weir"}};
  const auto hints = {std::string_view("HTTP/1.1 103 Early Hints"), std::string_view("Link: </a.css>; rel=preload")};
  CHECK(forward(hints) == lines(hints));
}

}  // namespace
}  // namespace weir::proxy::test
