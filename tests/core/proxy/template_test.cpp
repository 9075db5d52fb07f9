// Texts with variables: what is compiled, what is refused, and what a request cannot smuggle in.
#include "core/proxy/template.hpp"

#include "core/http/head.hpp"
#include "core/http/uri.hpp"
#include "tests/support/catch.hpp"

using namespace weir;
using namespace weir::proxy;
using What = Template::Fault::What;

namespace {

RequestValues usual() {
  RequestValues values;
  values.client = "192.0.2.7";
  values.host = "a.test:8443";
  values.scheme = "https";
  values.path = "/x/y";
  values.query = "?q=1";
  values.request_id = "id7";
  values.method = "GET";
  values.listener = "web";
  values.route = "route 1";
  return values;
}

std::string expanded(std::string_view text, Expansion expansion, const RequestValues& values,
                     std::string_view tenant = "acme") {
  const auto compiled = Template::compile(text);
  REQUIRE(compiled);
  std::string out;
  expand(
      *compiled, expansion, values,
      [&](http::FieldId, std::string_view name) {
        return http::equal_ignoring_case(name, "X-Tenant") ? tenant : std::string_view{};
      },
      [&](std::string_view run) {
        CHECK_FALSE(run.empty());
        out += run;
      });
  return out;
}

bool stays_normal(std::string_view path) {
  std::string room(path.size(), '\0');
  return http::normalise_path(path, room.data()).verdict == http::PathVerdict::unchanged;
}

std::string value(std::string_view text) { return expanded(text, Expansion::field_value, usual()); }

std::string location(std::string_view text, std::string_view path, std::string_view query = {}) {
  RequestValues values = usual();
  values.path = path;
  values.query = query;
  return expanded(text, Expansion::location, values);
}

Template::Fault fault(std::string_view text) {
  const auto compiled = Template::compile(text);
  INFO(text);
  REQUIRE_FALSE(compiled);
  return compiled.error();
}

}  // namespace

TEST_CASE("Every variable of a request expands to what it is called after") {
  CHECK(value("${client}|${host}|${host_port}|${scheme}") == "192.0.2.7|a.test|a.test:8443|https");
  CHECK(value("${path}|${query}|${uri}") == "/x/y|q=1|/x/y?q=1");
  CHECK(value("${request_id}|${method}|${listener}|${route}") == "id7|GET|web|route 1");
  CHECK(value("${header.x-tenant}|${header.Absent}") == "acme|");
}

TEST_CASE("A text without variables stays what it is, and two dollars are one") {
  CHECK(value("") .empty());
  CHECK(value("plain { } text") == "plain { } text");
  CHECK(value("$${host} costs $$5, $ or $") == "${host} costs $5, $ or $");
  CHECK(Template::compile("plain $$")->is_constant());
  CHECK(Template::compile("$$5 or $$$")->constant() == "$5 or $$");
  CHECK_FALSE(Template::compile("${host}")->is_constant());
}

TEST_CASE("A template knows what it uses") {
  const auto compiled = Template::compile("${host} ${header.A}");
  REQUIRE(compiled);
  CHECK(compiled->uses(static_cast<std::uint8_t>(Variable::host)));
  CHECK_FALSE(compiled->uses(static_cast<std::uint8_t>(Variable::uri)));
  CHECK(compiled->uses_fields());
  CHECK_FALSE(Template::compile("${uri}")->uses_fields());
}

TEST_CASE("What is no variable is refused with its place and its name") {
  CHECK(fault("a${hots}").what == What::unknown);
  CHECK(fault("a${hots}").begin == 1);
  CHECK(fault("a${hots}").name == "hots");
  CHECK(fault("${}").what == What::unknown);
  CHECK(fault("${host").what == What::not_closed);
  CHECK(fault("${header.}").what == What::no_field_name);
  CHECK(fault("${header.X Y}").what == What::no_field_name);
  CHECK(fault("https://$host$request_uri").what == What::bare);
  CHECK(fault("https://$host$request_uri").name == "host");
  CHECK(fault("/new/$1").name == "1");
  CHECK(fault("${HOST}").what == What::unknown);
}

TEST_CASE("Other names may be given, for log lines") {
  constexpr std::string_view names[] = {"status", "end"};
  const auto compiled = Template::compile("${end}=${status}", names);
  REQUIRE(compiled);
  std::string out;
  compiled->visit([&](std::string_view text) { out += text; },
                  [&](std::uint8_t number) { out += "<" + std::string(names[number]) + ">"; },
                  [&](http::FieldId, std::string_view) { out += "field"; });
  CHECK(out == "<end>=<status>");
  CHECK_FALSE(Template::compile("${host}", names));
}

TEST_CASE("The host of an IPv6 address keeps its brackets and loses its port") {
  RequestValues values = usual();
  values.host = "[::1]:8080";
  CHECK(expanded("${host} ${host_port}", Expansion::field_value, values) == "[::1] [::1]:8080");
  values.host = "[::1]";
  CHECK(expanded("https://${host}/", Expansion::location, values) == "https://[::1]/");
}

TEST_CASE("A location is made from the parts of the request") {
  CHECK(location("https://${host}${uri}", "/a/b", "?q=1&r") == "https://a.test/a/b?q=1&r");
  CHECK(location("${scheme}://new.test${path}?old=1&${query}", "/a", "?q") == "https://new.test/a?old=1&q");
  CHECK(location("http://${host_port}${path}", "/new") == "http://a.test:8443/new");
  CHECK(location("https://${host}${uri}", "/") == "https://a.test/");
  CHECK(location("/fixed", "/a") == "/fixed");
  CHECK(location("", "/a").empty());
}

TEST_CASE("A field value never gets a control character") {
  RequestValues values = usual();
  values.route = "a\r\nX-Evil: 1";
  CHECK(expanded("r=${route}", Expansion::field_value, values) == "r=a  X-Evil: 1");
  values.route = "caf\xC3\xA9\t";
  CHECK(expanded("${route}", Expansion::field_value, values) == "caf\xC3\xA9\t");
}

TEST_CASE("A location percent-encodes what a URI cannot hold") {
  CHECK(location("https://${host}${uri}", "/x", "a=\xC3\xA9 b") == "https://a.test/x?a=%C3%A9%20b");
  CHECK(location("/caf\xC3\xA9", "/") == "/caf%C3%A9");
  CHECK(location("${path}", "/a?b\r\n") == "/a?b%0D%0A");
  CHECK(location("/x${path}", "/a\r\nSet-Cookie: b") == "/x/a%0D%0ASet-Cookie:%20b");
  CHECK(location("${query}", "/", std::string_view("?\0\x7f\xff", 4)) == "%00%7F%FF");
}

TEST_CASE("What a request holds cannot lead a location to another host") {
  CHECK(location("${path}", "//evil.test/x") == "/evil.test/x");
  CHECK(location("${uri}", "///evil.test", "q") == "/evil.test?q");
  CHECK(location("/${path}", "/evil.test") == "/evil.test");
  CHECK(location("/${path}", "//evil.test") == "/evil.test");
  CHECK(location("/${query}", "/", "/evil.test") == "/evil.test");
  CHECK(location("/${query}", "/", "\\/evil.test") == "/evil.test");
  CHECK(location("${query}${path}", "//evil.test", "") == "/evil.test");
  CHECK(location("/a${path}", "//b") == "/a//b");
  CHECK(location("//cdn.test${path}", "/x") == "//cdn.test/x");  // written so on purpose
}

TEST_CASE("What a request holds stays in its segment of a rewritten path") {
  RequestValues values = usual();
  CHECK(expanded("/t/${header.X-Tenant}${path}", Expansion::path, values) == "/t/acme/x/y");
  CHECK(expanded("/t/${header.X-Tenant}/z", Expansion::path, values, "../admin") == "/t/..%2Fadmin/z");
  CHECK(expanded("/t/${header.X-Tenant}", Expansion::path, values, "a?b#c%2f;d") == "/t/a%3Fb%23c%252f%3Bd");
  CHECK(stays_normal(expanded("/t/${host}${path}", Expansion::path, values)));
  CHECK_FALSE(stays_normal(expanded("/t/${header.X-Tenant}/z", Expansion::path, values, "..")));
  CHECK_FALSE(stays_normal(expanded("/t/${header.X-Tenant}/z", Expansion::path, values, "a/b")));
  CHECK(expanded("/t/${host}", Expansion::path, values) == "/t/a.test");
}
