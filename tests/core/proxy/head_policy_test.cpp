// What the policy decides, seen by a sink that is no wire format: names and values, as an encoder of HTTP/2 would get
// them. And the lines of weir's own answers.

#include "core/proxy/head_policy.hpp"

#include "core/proxy/answer_lines.hpp"
#include "tests/core/proxy/heads.hpp"

namespace weir::proxy::test {
namespace {

using Lines = std::vector<std::string>;

// Framing and host are told apart from the lines, as where they are pseudo-fields.
class ListSink {
 public:
  explicit ListSink(const http::Head& head) : head_(head) {}

  void pass(const http::Field& field) { lines.push_back(name_of(field) + "=" + std::string(head_.value(field))); }
  void drop(const http::Field& field) { dropped.push_back(name_of(field)); }
  bool keeps_host() const noexcept { return false; }
  bool keeps_framing(const http::Field& field) const noexcept { return field.id == http::FieldId::content_length; }
  void line(FixedLine line) { add(line.name(), line.value()); }
  void line(LineName name, std::string_view value) { add(name.name(), value); }
  void line(std::string_view name, std::string_view value) { add(name, value); }
  void begin(LineName name) { lines.push_back(std::string(name.name()) + "="); }
  void part(std::string_view text) { lines.back() += text; }
  void end() { lines.back() += ";"; }
  void field(std::string_view name, std::string_view value) { add(name, value); }

  Lines lines, dropped;

 private:
  std::string name_of(const http::Field& field) const { return std::string(head_.name(field)); }
  void add(std::string_view name, std::string_view value) {
    lines.push_back(std::string(name) + "=" + std::string(value));
  }
  const http::Head& head_;
};
static_assert(HeadSink<ListSink>);

TEST_CASE("A fixed line and the name of a line say what is name and what is value") {
  constexpr FixedLine line("Via: 1.1 weir\r\n");
  CHECK(line.name() == "Via");
  CHECK(line.value() == "1.1 weir");
  CHECK(line.text() == "Via: 1.1 weir\r\n");
  constexpr LineName name("X-Request-ID: ");
  CHECK(name.name() == "X-Request-ID");
}

TEST_CASE("The policy of requests is the same for a sink that is not HTTP/1") {
  const Request received(test::lines({"POST / HTTP/1.1", "Host: a", "Connection: X-Hop", "X-Hop: 1", "TE: trailers",
                                      "Content-Length: 5", "Transfer-Encodings: x", "X-Forwarded-For: 6.6.6.6",
                                      "HTTP2-Settings: x", "Upgrade: websocket", "X-Out: 1", "X-Stays: 1"}));
  Forwarding rules;
  rules.via_upstream = true;
  HeaderEdit edit;
  edit.remove = {"X-Out"};
  edit.add = {{"X-New", "2"}};
  const Address client = ip("192.0.2.7");
  ForwardRequest request;
  request.head = &received.head();
  request.rules = &rules;
  const AppliedEdit applied(&edit);
  request.edits = {&applied, 1};
  request.client = &client;
  request.request_id = "id";
  ListSink sink(received.head());
  RequestPolicy<ListSink> policy(request, sink);
  policy.sift();
  CHECK(sink.lines == Lines{"Content-Length=5", "Transfer-Encodings=x", "X-Stays=1"});
  CHECK(sink.dropped ==
        Lines{"Host", "Connection", "X-Hop", "TE", "X-Forwarded-For", "HTTP2-Settings", "Upgrade", "X-Out"});
  CHECK(policy.adds_te());
  sink.lines.clear();
  policy.add();
  CHECK(sink.lines == Lines{"X-Forwarded-For=192.0.2.7;", "X-Forwarded-Proto=http", "X-Forwarded-Host=a",
                            "Forwarded=for=192.0.2.7;proto=http;host=a;", "Via=1.1 weir", "X-Request-ID=id", "X-New=2",
                            "TE=trailers"});
}

TEST_CASE("The policy of responses is the same for a sink that is not HTTP/1") {
  const Response received(test::lines({"HTTP/1.1 200 OK", "Connection: close", "Content-Length: 5", "Upgrade: h2c",
                                       "X-Request-ID: theirs", "Server: old"}));
  Forwarding rules;
  HeaderEdit edit;
  edit.set = {{"Server", "new"}};
  ForwardResponse response;
  response.head = &received.head();
  response.rules = &rules;
  const AppliedEdit applied(&edit);
  response.edits = {&applied, 1};
  response.request_id = "ours";
  response.date = "now";
  ListSink sink(received.head());
  ResponsePolicy<ListSink> policy(response, sink);
  policy.sift();
  CHECK(sink.lines == Lines{"Content-Length=5"});
  CHECK(sink.dropped == Lines{"Connection", "Upgrade", "X-Request-ID", "Server"});
  sink.lines.clear();
  policy.add();
  CHECK(sink.lines == Lines{"Date=now", "Via=1.1 weir", "X-Request-ID=ours", "Server=new"});
}

TEST_CASE("The host that is sent is the rewritten one, the edited one, or that of the target") {
  const auto chosen = [](std::string_view start, std::string_view rewritten, const HeaderEdit* edit) {
    const Request received(test::lines({start, "Host: given"}));
    ForwardRequest request;
    request.head = &received.head();
    request.host = rewritten;
    const AppliedEdit applied(edit);
    const HostChoice choice = choose_host(request, HeaderEdits({&applied, 1}));
    return std::string(choice.host) + (choice.replaces ? "!" : "");
  };
  HeaderEdit edit;
  edit.set = {{"HOST", "edited"}};
  CHECK(chosen("GET / HTTP/1.1", "", nullptr) == "given");
  CHECK(chosen("GET / HTTP/1.1", "rewritten", &edit) == "rewritten!");
  CHECK(chosen("GET / HTTP/1.1", "", &edit) == "edited!");
  CHECK(chosen("GET http://given/ HTTP/1.1", "", nullptr) == "given");
  CHECK(chosen("GET http://GIVEN:80/ HTTP/1.1", "", nullptr) == "GIVEN:80!");
}

TEST_CASE("The values of an edit are those that were expanded for the request, where there are some") {
  HeaderEdit edit;
  edit.set = {{"Host", "${host}"}, {"X-Set", "${path}"}};
  edit.add = {{"X-Add", "${uri}"}};
  const std::array<std::string_view, 3> values{"a.test", "/p", "/p?q"};
  const AppliedEdit applied(&edit, values);
  const HeaderEdits edits({&applied, 1});
  Lines seen;
  edits.each_line([&](std::string_view name, std::string_view value) {
    seen.push_back(std::string(name) + "=" + std::string(value));
  });
  CHECK(seen == Lines{"X-Set=/p", "X-Add=/p?q"});
  CHECK(edits.host() == "a.test");
}

TEST_CASE("A response that is passed on gets the edits of its listener and its route, the later ones over the earlier") {
  const Response received(test::lines({"HTTP/1.1 200 OK", "Server: theirs", "X-Frame-Options: none"}));
  Forwarding rules;
  rules.via = false;
  HeaderEdit listener, route;
  listener.set = {{"X-Frame-Options", "deny"}, {"X-Both", "listener"}};
  route.remove = {"server"};
  route.set = {{"x-both", "route"}};
  const std::array<AppliedEdit, 3> edits{AppliedEdit(&listener), AppliedEdit(), AppliedEdit(&route)};
  ForwardResponse response;
  response.head = &received.head();
  response.rules = &rules;
  response.edits = edits;
  ListSink sink(received.head());
  ResponsePolicy<ListSink> policy(response, sink);
  policy.sift();
  CHECK(sink.lines.empty());
  policy.add();
  CHECK(sink.lines == Lines{"X-Frame-Options=deny", "x-both=route"});
}

TEST_CASE("Edits of listener and route hold for weir's own answers, the later ones over the earlier") {
  HeaderEdit listener, route;
  listener.set = {
      {"Strict-Transport-Security", "max-age=1"}, {"X-Frame-Options", "deny"}, {"Cache-Control", "no-store"}};
  listener.add = {{"X-Tag", "1"}};
  route.remove = {"server", "x-frame-options"};
  route.set = {{"cache-control", "public"}, {"Content-Length", "1"}, {"Date", "then"}};
  route.add = {{"X-Tag", "2"}};
  const std::array<AppliedEdit, 3> edits{AppliedEdit(&listener), AppliedEdit(), AppliedEdit(&route)};
  const http::Head none{};
  ListSink sink(none);
  AnswerLines<ListSink> lines(edits, sink);
  lines.line("Server", "weir");
  lines.line("Date", "now");
  lines.line("Content-Type", "text/plain");
  lines.add_edits();
  CHECK(sink.lines == Lines{"Content-Type=text/plain", "Strict-Transport-Security=max-age=1", "X-Tag=1",
                            "cache-control=public", "Date=then", "X-Tag=2"});
}

TEST_CASE("Without edits weir's own answers are as weir writes them") {
  const http::Head none{};
  ListSink sink(none);
  AnswerLines<ListSink> lines({}, sink);
  lines.line("Server", "weir");
  lines.add_edits();
  CHECK(sink.lines == Lines{"Server=weir"});
}

}  // namespace
}  // namespace weir::proxy::test
