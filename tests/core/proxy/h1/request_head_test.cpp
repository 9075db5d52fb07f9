// The exact bytes of forwarded request heads.

#include "core/proxy/head_policy.hpp"
#include "tests/core/proxy/heads.hpp"

namespace weir::proxy::test {
namespace {

// Everything off but what a test is about.
Forwarding no_fields() {
  Forwarding rules;
  rules.x_forwarded = rules.forwarded = rules.via = rules.request_id = false;
  return rules;
}

struct Forwarder {
  Forwarding rules = no_fields();
  HeaderEdit edit;
  Address client = ip("192.0.2.7");
  ForwardRequest request;
  std::size_t slices = 0;

  std::string operator()(std::initializer_list<std::string_view> received) {
    const Request parsed(lines(received));
    ForwardRequest complete = request;
    complete.head = &parsed.head();
    complete.rules = &rules;
    const AppliedEdit applied(&edit);
    complete.edits = {&applied, 1};
    complete.client = &client;
    if (complete.target.empty()) complete.target = parsed.head().target;
    if (complete.body.framing == http::Framing::none)
      complete.body = {parsed.head().framing, parsed.head().content_length};
    BufferPool pool;
    http::SliceWriter out;
    out.reset(pool);
    write_request_head(complete, out);
    slices = out.slices().size();
    const std::string text = text_of(out);
    out.reset(pool);
    return text;
  }
};

TEST_CASE("An untouched request head is one run of the received bytes") {
  Forwarder forward;
  const auto same = {std::string_view("GET /a?b=c HTTP/1.1"), std::string_view("Host: example.com"),
                     std::string_view("Accept:  */* "), std::string_view("X-Thing: 1")};
  CHECK(forward(same) == lines(same));
  CHECK(forward.slices == 1);
}

TEST_CASE("A body framing line that says what weir would say is kept where it is") {
  Forwarder forward;
  const auto length = {std::string_view("POST / HTTP/1.1"), std::string_view("content-length: 5"),
                       std::string_view("Host: a")};
  CHECK(forward(length) == lines(length));
  CHECK(forward.slices == 1);
  Forwarder coded;
  const auto chunked = {std::string_view("POST / HTTP/1.1"), std::string_view("Transfer-Encoding: Chunked"),
                        std::string_view("Host: a"), std::string_view("Trailer: x-sum")};
  CHECK(coded(chunked) == lines(chunked));
  CHECK(coded.slices == 1);
  Forwarder empty;
  const auto nothing = {std::string_view("POST / HTTP/1.1"), std::string_view("Host: a"),
                        std::string_view("Content-Length: 0")};
  CHECK(empty(nothing) == lines(nothing));
}

TEST_CASE("A body framing line that says something else is written anew") {
  Forwarder shorter;
  shorter.request.body = {http::Framing::length, 7};
  CHECK(shorter({"POST / HTTP/1.1", "Content-Length: 5", "Host: a"}) ==
        lines({"POST / HTTP/1.1", "Host: a", "Content-Length: 7"}));
  Forwarder zeros;
  CHECK(zeros({"POST / HTTP/1.1", "Content-Length: 005", "Host: a"}) ==
        lines({"POST / HTTP/1.1", "Host: a", "Content-Length: 5"}));
  Forwarder collected;
  collected.request.body = {http::Framing::length, 3};
  CHECK(collected({"POST / HTTP/1.1", "Host: a", "Transfer-Encoding: chunked", "Trailer: x-sum"}) ==
        lines({"POST / HTTP/1.1", "Host: a", "Content-Length: 3"}));
  Forwarder streamed;
  streamed.request.body = {http::Framing::chunked, 0};
  CHECK(streamed({"POST / HTTP/1.1", "Host: a", "Content-Length: 9"}) ==
        lines({"POST / HTTP/1.1", "Host: a", "Transfer-Encoding: chunked"}));
}

TEST_CASE("Hop-by-hop request fields are removed, and those that Connection names") {
  Forwarder forward;
  CHECK(forward({"GET / HTTP/1.1", "Host: a", "Connection: keep-alive, X-Hop", "Keep-Alive: timeout=5",
                 "Proxy-Connection: keep-alive", "Proxy-Authorization: Basic eA==", "X-Hop: 1", "X-End: 2",
                 "Upgrade: h2c", "TE: gzip"}) == lines({"GET / HTTP/1.1", "Host: a", "X-End: 2"}));
}

TEST_CASE("Connection cannot take away what later hops decide by") {
  Forwarder forward;
  forward.request.client_trusted = true;
  CHECK(forward({"POST / HTTP/1.1", "Host: a", "Connection: host, x-forwarded-for, content-length, authorization, via",
                 "X-Forwarded-For: 10.0.0.1", "Content-Length: 1", "Authorization: Bearer t", "Via: 1.1 x"}) ==
        lines({"POST / HTTP/1.1", "Host: a", "X-Forwarded-For: 10.0.0.1", "Content-Length: 1",
               "Authorization: Bearer t", "Via: 1.1 x"}));
}

TEST_CASE("TE is passed on as trailers only, and then named in Connection") {
  Forwarder forward;
  CHECK(forward({"GET / HTTP/1.1", "Host: a", "TE: gzip;q=0.5, Trailers", "Connection: TE"}) ==
        lines({"GET / HTTP/1.1", "Host: a", "TE: trailers", "Connection: TE"}));
  Forwarder both;
  both.request.upgrade = true;
  CHECK(both({"GET / HTTP/1.1", "Host: a", "TE: trailers", "Connection: TE, upgrade", "Upgrade: websocket"}) ==
        lines({"GET / HTTP/1.1", "Host: a", "Upgrade: websocket", "TE: trailers", "Connection: TE, upgrade"}));
}

TEST_CASE("An upgrade is passed on only when it is allowed") {
  const auto received = {std::string_view("GET /ws HTTP/1.1"), std::string_view("Host: a"),
                         std::string_view("Upgrade: websocket"), std::string_view("Connection: Upgrade"),
                         std::string_view("Sec-WebSocket-Key: eA==")};
  Forwarder refused;
  CHECK(refused(received) == lines({"GET /ws HTTP/1.1", "Host: a", "Sec-WebSocket-Key: eA=="}));
  Forwarder allowed;
  allowed.request.upgrade = true;
  CHECK(allowed(received) ==
        lines({"GET /ws HTTP/1.1", "Host: a", "Upgrade: websocket", "Sec-WebSocket-Key: eA==", "Connection: upgrade"}));
}

TEST_CASE("Expect is passed on") {
  Forwarder forward;
  const auto same = {std::string_view("PUT / HTTP/1.1"), std::string_view("Host: a"),
                     std::string_view("Expect: 100-continue"), std::string_view("Content-Length: 2")};
  CHECK(forward(same) == lines(same));
}

TEST_CASE("A request of HTTP/1.0 is forwarded as HTTP/1.1 with a Host") {
  Forwarder forward;
  CHECK(forward({"GET /x HTTP/1.0", "Accept: */*"}) == lines({"GET /x HTTP/1.1", "Host: ", "Accept: */*"}));
  Forwarder with_host;
  with_host.rules.via_upstream = true;
  CHECK(with_host({"GET /x HTTP/1.0", "Host: a", "Connection: keep-alive"}) ==
        lines({"GET /x HTTP/1.1", "Host: a", "Via: 1.0 weir"}));
}

TEST_CASE("A higher minor version is forwarded as HTTP/1.1") {
  Forwarder forward;
  CHECK(forward({"GET / HTTP/1.2", "Host: a"}) == lines({"GET / HTTP/1.1", "Host: a"}));
}

TEST_CASE("An absolute target is forwarded in origin form, with its authority as Host") {
  Forwarder forward;
  CHECK(forward({"GET http://example.com/a?b HTTP/1.1", "Host: example.com", "A: 1"}) ==
        lines({"GET /a?b HTTP/1.1", "Host: example.com", "A: 1"}));
  Forwarder same_host_written_otherwise;
  CHECK(same_host_written_otherwise({"GET http://example.com:80/ HTTP/1.1", "A: 1", "Host: EXAMPLE.com"}) ==
        lines({"GET / HTTP/1.1", "Host: example.com:80", "A: 1"}));
  Forwarder without_path;
  CHECK(without_path({"GET http://a HTTP/1.1", "Host: a"}) == lines({"GET / HTTP/1.1", "Host: a"}));
  Forwarder only_query;
  CHECK(only_query({"GET http://a?q=1 HTTP/1.0"}) == lines({"GET /?q=1 HTTP/1.1", "Host: a"}));
  Forwarder server;
  CHECK(server({"OPTIONS http://a HTTP/1.1", "Host: a"}) == lines({"OPTIONS * HTTP/1.1", "Host: a"}));
  Forwarder settled;
  settled.request.target = "/";  // as the engine gives it
  CHECK(settled({"OPTIONS http://a HTTP/1.1", "Host: a"}) == lines({"OPTIONS * HTTP/1.1", "Host: a"}));
  Forwarder rooted;
  rooted.request.target = "/";
  CHECK(rooted({"OPTIONS http://a/ HTTP/1.1", "Host: a"}) == lines({"OPTIONS / HTTP/1.1", "Host: a"}));
}

TEST_CASE("CONNECT and OPTIONS * keep their targets") {
  Forwarder connect;
  const auto tunnel = {std::string_view("CONNECT a:443 HTTP/1.1"), std::string_view("Host: a:443")};
  CHECK(connect(tunnel) == lines(tunnel));
  Forwarder options;
  const auto star = {std::string_view("OPTIONS * HTTP/1.1"), std::string_view("Host: a")};
  CHECK(options(star) == lines(star));
}

TEST_CASE("A rewritten target and host replace the received ones") {
  Forwarder forward;
  forward.request.target = "/new?x=1";
  forward.request.host = "internal";
  CHECK(forward({"GET /old?x=1 HTTP/1.1", "Accept: a", "Host: example.com", "B: 2"}) ==
        lines({"GET /new?x=1 HTTP/1.1", "Host: internal", "Accept: a", "B: 2"}));
  Forwarder distant;
  const std::string target = "/" + std::string(5000, 'x');
  distant.request.target = target;
  CHECK(distant({"GET /old HTTP/1.1", "Host: a"}) == lines({"GET " + target + " HTTP/1.1", "Host: a"}));
}

TEST_CASE("Forwarding claims of an untrusted peer are replaced by weir's own") {
  Forwarder forward;
  forward.rules = Forwarding{};
  forward.rules.via = true;
  forward.request.request_id = "0123abcd";
  CHECK(forward({"GET / HTTP/1.1", "Host: example.com", "X-Forwarded-For: 6.6.6.6", "X-Forwarded-Proto: https",
                 "X-Forwarded-Host: evil", "X-Forwarded-Port: 1", "x-forwarded-prefix: /admin",
                 "Forwarded: for=6.6.6.6", "X-Real-IP: 6.6.6.6", "X-Request-ID: mine", "Via: 1.1 other"}) ==
        lines({"GET / HTTP/1.1", "Host: example.com", "Via: 1.1 other", "X-Forwarded-For: 192.0.2.7",
               "X-Forwarded-Proto: http", "X-Forwarded-Host: example.com",
               "Forwarded: for=192.0.2.7;proto=http;host=example.com", "X-Request-ID: 0123abcd"}));
}

TEST_CASE("Forwarding claims of an untrusted peer are dropped where weir adds none") {
  Forwarder forward;
  CHECK(forward({"GET / HTTP/1.1", "X-Forwarded-For: 6.6.6.6", "Forwarded: for=6.6.6.6", "Host: a",
                 "X-Real-IP: 6.6.6.6", "X-Request-ID: mine"}) == lines({"GET / HTTP/1.1", "Host: a"}));
}

TEST_CASE("TRACE carries no credentials on, other methods do") {
  Forwarder forward;
  CHECK(forward({"TRACE / HTTP/1.1", "Host: a", "Authorization: Bearer t", "cookie: c=1",
                 "Proxy-Authorization: Basic x", "X-A: 1"}) == lines({"TRACE / HTTP/1.1", "Host: a", "X-A: 1"}));
  Forwarder get;
  const auto same = {std::string_view("GET / HTTP/1.1"), std::string_view("Host: a"),
                     std::string_view("Authorization: Bearer t"), std::string_view("Cookie: c=1")};
  CHECK(get(same) == lines(same));
}

TEST_CASE("Max-Forwards of TRACE and OPTIONS is counted down") {
  Forwarder forward;
  CHECK(forward({"OPTIONS / HTTP/1.1", "max-forwards: 10", "Host: a"}) ==
        lines({"OPTIONS / HTTP/1.1", "Host: a", "Max-Forwards: 9"}));
  CHECK(forward({"TRACE / HTTP/1.1", "Host: a", "Max-Forwards: 7", "Max-Forwards: 3"}) ==
        lines({"TRACE / HTTP/1.1", "Host: a", "Max-Forwards: 2"}));
  for (const std::string method : {"GET", "POST"}) {  // it means nothing there
    const std::string start = method + " / HTTP/1.1";
    CHECK(forward({start, "Host: a", "Max-Forwards: 0"}) == lines({start, "Host: a", "Max-Forwards: 0"}));
  }
  for (const std::string value : {"", "-1", "1 2", "x", "1x", "99999999999999999999999"}) {  // no number, no limit
    const std::string field = "Max-Forwards: " + value;
    CHECK(forward({"OPTIONS / HTTP/1.1", "Host: a", field}) == lines({"OPTIONS / HTTP/1.1", "Host: a", field}));
  }
}

TEST_CASE("At 0 a TRACE or OPTIONS request is not to be forwarded") {
  const auto left = [](std::initializer_list<std::string_view> received) {
    return max_forwards(Request(lines(received)).head());
  };
  CHECK(left({"TRACE / HTTP/1.1", "Host: a", "Max-Forwards: 0"}) == 0u);
  CHECK(left({"OPTIONS * HTTP/1.1", "Host: a", "Max-Forwards: 5", "MAX-FORWARDS: 0"}) == 0u);
  CHECK_FALSE(left({"OPTIONS * HTTP/1.1", "Host: a"}).has_value());
  CHECK_FALSE(left({"GET / HTTP/1.1", "Host: a", "Max-Forwards: 0"}).has_value());
}

TEST_CASE("Forwarding claims with underscores are dropped, whoever makes them") {
  for (const bool trusted : {false, true}) {
    Forwarder forward;
    forward.request.client_trusted = trusted;
    for (const std::string claim : {"X_Forwarded_For", "x_forwarded_for", "X-Forwarded_Proto", "X_Forwarded-Host",
                                    "X_Forwarded_Anything", "X_Real_IP", "X-Real_IP", "X_REQUEST_ID", "X-Request_ID"}) {
      INFO(claim);
      CHECK(forward({"GET / HTTP/1.1", "Host: a", claim + ": 6.6.6.6", "X_Other: 1"}) ==
            lines({"GET / HTTP/1.1", "Host: a", "X_Other: 1"}));
    }
  }
  Forwarder others;  // nothing that a claim could be taken for
  const auto same = {std::string_view("GET / HTTP/1.1"),     std::string_view("Host: a"),
                     std::string_view("X_Forwarded: 1"),     std::string_view("X_Real_IPs: 1"),
                     std::string_view("Y_Forwarded_For: 1"), std::string_view("_: 1")};
  CHECK(others(same) == lines(same));
}

TEST_CASE("Forwarding claims of a trusted peer are continued") {
  Forwarder forward;
  forward.rules = Forwarding{};
  forward.rules.via = true;
  forward.request.client_trusted = true;
  forward.request.request_id = "given";
  CHECK(forward({"GET / HTTP/1.1", "Host: example.com:8080", "X-Forwarded-For: 203.0.113.5", "X-Forwarded-Proto: https",
                 "X-Forwarded-Host: shop.example", "X-Forwarded-Port: 443", "Forwarded: for=203.0.113.5",
                 "X-Real-IP: 203.0.113.5", "X-Request-ID: given", "X-Forwarded-For: 10.1.1.1, 10.1.1.2"}) ==
        lines({"GET / HTTP/1.1", "Host: example.com:8080", "X-Forwarded-Proto: https", "X-Forwarded-Host: shop.example",
               "X-Forwarded-Port: 443", "X-Real-IP: 203.0.113.5",
               "X-Forwarded-For: 203.0.113.5, 10.1.1.1, 10.1.1.2, 192.0.2.7",
               "Forwarded: for=203.0.113.5, for=192.0.2.7;proto=http;host=\"example.com:8080\"",
               "X-Request-ID: given"}));
}

TEST_CASE("A trusted peer's claims pass unchanged where weir adds none") {
  Forwarder forward;
  forward.request.client_trusted = true;
  const auto same = {std::string_view("GET / HTTP/1.1"), std::string_view("Host: a"),
                     std::string_view("X-Forwarded-For: 203.0.113.5"), std::string_view("Forwarded: for=x"),
                     std::string_view("X-Request-ID: given")};
  CHECK(forward(same) == lines(same));
  CHECK(forward.slices == 1);
}

TEST_CASE("A long X-Forwarded-For is continued without being cut") {
  Forwarder forward;
  forward.rules.x_forwarded = true;
  forward.request.client_trusted = true;
  std::string hops = "203.0.113.1";
  while (hops.size() < 4000) hops += ", 10.0.0.1";
  const std::string text = forward({"GET / HTTP/1.1", "Host: a", "X-Forwarded-For: " + hops, "X-Forwarded-For:"});
  CHECK(text == lines({"GET / HTTP/1.1", "Host: a", "X-Forwarded-For: " + hops + ", 192.0.2.7",
                       "X-Forwarded-Proto: http", "X-Forwarded-Host: a"}));
}

TEST_CASE("IPv6 peers are written bare in X-Forwarded-For and quoted in Forwarded") {
  Forwarder forward;
  forward.rules.x_forwarded = forward.rules.forwarded = true;
  forward.request.scheme = "https";
  forward.client = ip("2001:db8::1");
  CHECK(forward({"GET / HTTP/1.1", "Host: [::1]:8443"}) ==
        lines({"GET / HTTP/1.1", "Host: [::1]:8443", "X-Forwarded-For: 2001:db8::1", "X-Forwarded-Proto: https",
               "X-Forwarded-Host: [::1]:8443", "Forwarded: for=\"[2001:db8::1]\";proto=https;host=\"[::1]:8443\""}));
  forward.client = ip("::ffff:192.0.2.9");
  CHECK(forward({"GET / HTTP/1.1", "Host: a"}) ==
        lines({"GET / HTTP/1.1", "Host: a", "X-Forwarded-For: 192.0.2.9", "X-Forwarded-Proto: https",
               "X-Forwarded-Host: a", "Forwarded: for=192.0.2.9;proto=https;host=a"}));
}

TEST_CASE("A peer on a unix socket has no address to forward") {
  Forwarder forward;
  forward.rules.x_forwarded = forward.rules.forwarded = true;
  forward.client = Address{};
  forward.client.family = Family::unix_path;
  CHECK(forward({"GET / HTTP/1.1", "Host: a", "X-Forwarded-For: 6.6.6.6"}) ==
        lines({"GET / HTTP/1.1", "Host: a", "X-Forwarded-Proto: http", "X-Forwarded-Host: a",
               "Forwarded: for=unknown;proto=http;host=a"}));
  forward.request.client_trusted = true;
  CHECK(forward({"GET / HTTP/1.1", "Host: a", "X-Forwarded-For: 203.0.113.5"}) ==
        lines({"GET / HTTP/1.1", "Host: a", "X-Forwarded-For: 203.0.113.5", "X-Forwarded-Proto: http",
               "X-Forwarded-Host: a", "Forwarded: for=unknown;proto=http;host=a"}));
}

TEST_CASE("A request without a host forwards none") {
  Forwarder forward;
  forward.rules.x_forwarded = forward.rules.forwarded = true;
  CHECK(forward({"GET / HTTP/1.0"}) == lines({"GET / HTTP/1.1", "Host: ", "X-Forwarded-For: 192.0.2.7",
                                              "X-Forwarded-Proto: http", "Forwarded: for=192.0.2.7;proto=http"}));
}

TEST_CASE("A route removes, sets and adds request header lines") {
  Forwarder forward;
  forward.edit.remove = {"Cookie", "X-Debug"};
  forward.edit.set = {{"X-Tenant", "blue"}, {"accept", "text/html"}};
  forward.edit.add = {{"X-Tag", "1"}, {"X-Tag", "2"}};
  CHECK(forward({"GET / HTTP/1.1", "Host: a", "cookie: c=1", "X-Tenant: red", "x-tenant: green", "Accept: */*",
                 "X-Tag: 0", "COOKIE: d=2"}) == lines({"GET / HTTP/1.1", "Host: a", "X-Tag: 0", "X-Tenant: blue",
                                                       "accept: text/html", "X-Tag: 1", "X-Tag: 2"}));
}

TEST_CASE("Via goes to an upstream only where it is asked for, behind what came") {
  const auto received = {std::string_view("GET / HTTP/1.1"), std::string_view("Host: a"),
                         std::string_view("Via: 1.1 other")};
  Forwarder forward;
  forward.rules.via = true;  // is about answers
  CHECK(forward(received) == lines(received));
  forward.rules.via_upstream = true;
  CHECK(forward(received) == lines({"GET / HTTP/1.1", "Host: a", "Via: 1.1 other", "Via: 1.1 weir"}));
}

TEST_CASE("A route's edits also hold for the fields that weir adds") {
  Forwarder forward;
  forward.rules = Forwarding{};
  forward.rules.via_upstream = true;
  forward.request.request_id = "id";
  forward.request.client_trusted = true;
  forward.edit.remove = {"x-forwarded-for", "forwarded", "VIA"};
  forward.edit.set = {{"X-Forwarded-Proto", "https"}};
  CHECK(forward({"GET / HTTP/1.1", "Host: a", "X-Forwarded-For: 1.2.3.4", "Via: 1.1 x", "X-Forwarded-Proto: ws"}) ==
        lines({"GET / HTTP/1.1", "Host: a", "X-Forwarded-Host: a", "X-Request-ID: id", "X-Forwarded-Proto: https"}));
}

TEST_CASE("A route cannot edit the framing of a request or its connection") {
  Forwarder forward;
  forward.edit.remove = {"Content-Length", "Host", "Trailer"};
  forward.edit.set = {{"Transfer-Encoding", "chunked"}, {"Connection", "close"}, {"Content-Length", "1"}};
  forward.edit.add = {{"Content-Length", "2"}, {"Host", "b"}, {"TE", "gzip"}, {"Upgrade", "x"}, {"Keep-Alive", "1"}};
  const auto same = {std::string_view("POST / HTTP/1.1"), std::string_view("Host: a"),
                     std::string_view("Content-Length: 5")};
  CHECK(forward(same) == lines(same));
}

TEST_CASE("A route may set Host, unless a rewrite already does") {
  Forwarder forward;
  forward.edit.set = {{"Host", "edited"}};
  CHECK(forward({"GET / HTTP/1.1", "Host: a", "A: 1"}) == lines({"GET / HTTP/1.1", "Host: edited", "A: 1"}));
  forward.request.host = "rewritten";
  CHECK(forward({"GET / HTTP/1.1", "Host: a", "A: 1"}) == lines({"GET / HTTP/1.1", "Host: rewritten", "A: 1"}));
}

TEST_CASE("A long edited value arrives whole") {
  Forwarder forward;
  const std::string value(3000, 'v');
  forward.edit.set = {{"X-Long", value}, {"X-After", "1"}};
  CHECK(forward({"GET / HTTP/1.1", "Host: a"}) ==
        lines({"GET / HTTP/1.1", "Host: a", "X-Long: " + value, "X-After: 1"}));
}

TEST_CASE("Many removed lines leave the others whole") {
  Forwarder forward;
  forward.edit.remove = {"X-Out"};
  std::string received = "GET / HTTP/1.1\r\nHost: a\r\n";
  std::string kept = received;
  for (int i = 0; i < 45; ++i) {  // more runs than the writer has slices
    received += "X-Out: 1\r\nX-In: " + std::to_string(i) + "\r\n";
    kept += "X-In: " + std::to_string(i) + "\r\n";
  }
  const Request parsed(received + "\r\n");
  forward.request.head = &parsed.head();
  forward.request.rules = &forward.rules;
  const AppliedEdit applied(&forward.edit);
  forward.request.edits = {&applied, 1};
  forward.request.client = &forward.client;
  forward.request.target = parsed.head().target;
  BufferPool pool;
  http::SliceWriter out;
  out.reset(pool);
  write_request_head(forward.request, out);
  CHECK(text_of(out) == kept + "\r\n");
  out.reset(pool);
}

}  // namespace
}  // namespace weir::proxy::test
