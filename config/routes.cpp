#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "config/build.hpp"
#include "config/request_text.hpp"
#include "core/http/uri.hpp"
#include "core/proxy/template.hpp"

namespace weir::config {

namespace {

constexpr std::uint64_t max_body_limit = std::uint64_t{1} << 50;

// A list that is there but empty would mean "any", the opposite of what it says.
bool refuse_empty(Reader& reader, const Node& node, const Path& path, std::string_view key) {
  if (node.kind == Kind::null) {
    reader.wrong_kind(node, path, "a string or a list", fmt::format("leave {} out to match any", key));
    return true;
  }
  if (node.kind != Kind::list || node.size > 0) return false;
  reader.error(node, path, "an empty list matches nothing", fmt::format("leave {} out to match any", key));
  return true;
}

bool all_digits(std::string_view text) noexcept {
  return !text.empty() && text.find_first_not_of("0123456789") == std::string_view::npos;
}

// Where a text begins as a status line does, "503" or "503 Service Unavailable": the end of the number; else 0. A client
// would get such a text with status 200.
std::size_t status_in_front(std::string_view text) noexcept {
  const std::size_t end = std::min(text.find_first_of(" \n"), text.size());
  const bool status = end == 3 && all_digits(text.substr(0, 3)) && text[0] >= '1' && text[0] <= '5';
  return status ? end : 0;
}

// The text in double quotes, cut where it is long.
std::string quoted(std::string_view text) {
  std::string out = "\"";
  for (const char c : text.substr(0, 60)) {
    if (c == '\n') break;
    if (c == '"' || c == '\\') out += '\\';
    out += c;
  }
  return out + '"';
}

void refuse_status_as_text(Reader& reader, const Node& node, const Path& path, std::string_view text) {
  const std::string_view status = text.substr(0, 3);
  const std::size_t rest = std::min(text.find_first_not_of(' ', 3), text.size());
  const std::string meant = rest == text.size() || text[rest] == '\n'
                                ? fmt::format("respond: {}", status)
                                : fmt::format("respond: {{ status: {}, body: {} }}", status, quoted(text.substr(rest)));
  reader.error(node, path, fmt::format("{} is a string, which would be sent as a body with status 200", quoted(text)),
               fmt::format("for status {0} write {1}; for this body write respond: {{ status: 200, body: {2} }}",
                           status,
                           meant, quoted(text)));
}

bool is_redirect_status(std::uint64_t status) noexcept {
  return status == 301 || status == 302 || status == 303 || status == 307 || status == 308;
}

}  // namespace

void Builder::routes(Node* node, const Path& path) {
  if (!node || node->kind == Kind::null) return;
  if (node->kind != Kind::list) {
    reader_.wrong_kind(*node, path, "a list of routes",
                       "routes:, and beneath it lines that begin with - host: or - path:");
    return;
  }
  spec_.routes.reserve(node->size);
  std::size_t index = 0;
  for (Node* at = node->first; at; at = at->next) {
    const Path place(path, index++);
    const std::size_t before = reader_.tree().errors();
    route(*at, place);
    if (reader_.tree().errors() == before) shadows_.check(reader_, *at, place, spec_);
  }
}

void Builder::route(Node& node, const Path& path) {
  proxy::RouteSpec& out = spec_.routes.emplace_back();
  out.origin = reader_.origin(node);
  out.timeout = spec_.timeouts;
  out.paths = spec_.paths;
  if (node.kind != Kind::map) {
    reader_.wrong_kind(node, path, "a map of route keys", "{ host: app.example.com, upstream: app }");
    return;
  }
  Fields fields(reader_, &node, path, keys::route);
  fields.read("name", out.name);
  if (out.name.empty()) out.name = fmt::format("route {}", spec_.routes.size());
  paths(fields["paths"], fields.at("paths"), out.paths);
  conditions(fields, out);
  action(fields, out);
  options(fields, out);
}

void Builder::conditions(const Fields& fields, proxy::RouteSpec& out) {
  if (Node* hosts = fields["host"]; hosts && !refuse_empty(reader_, *hosts, fields.at("host"), "host")) {
    out.hosts.reserve(hosts->kind == Kind::list ? hosts->size : 1);
    reader_.each(*hosts, fields.at("host"), [&](Node& one, const Path& place) {
      if (auto host = read_host(reader_, one, place)) out.hosts.push_back(std::move(*host));
    });
  }
  if (Node* node = fields["path"]) {
    if (const auto text = reader_.text(*node, fields.at("path"))) {
      const bool exact = text->starts_with('=');
      out.path_match = exact ? proxy::PathMatch::exact : proxy::PathMatch::prefix;
      if (auto checked = read_path(reader_, *node, fields.at("path"), text->substr(exact ? 1 : 0), out.paths)) {
        out.path = std::move(*checked);
      }
    }
  }
  if (Node* methods = fields["methods"]; methods && !refuse_empty(reader_, *methods, fields.at("methods"), "methods")) {
    reader_.each(*methods, fields.at("methods"), [&](Node& one, const Path& place) {
      if (auto method = read_method(reader_, one, place)) out.methods.push_back(std::move(*method));
    });
  }
  if (Node* headers = fields["headers"]) read_matches(reader_, *headers, fields.at("headers"), out.headers);
  Node* listeners = fields["listeners"];
  if (listeners && !refuse_empty(reader_, *listeners, fields.at("listeners"), "listeners")) {
    reader_.each(*listeners, fields.at("listeners"), [&](Node& one, const Path& place) {
      const auto name = reader_.text(one, place);
      if (name && listener_names_.use(reader_, one, place, *name)) out.listeners.emplace_back(*name);
    });
  }
}

void Builder::action(const Fields& fields, proxy::RouteSpec& out) {
  std::vector<std::string_view> given;
  for (const std::string_view key : {"upstream", "respond", "redirect"}) {
    if (fields[key]) given.push_back(key);
  }
  if (given.empty() && fields.has_unknown()) {
    // That key was meant as the action.
  } else if (given.empty()) {
    reader_.error(fields.node(), fields.path(), "the route does nothing", "add one of upstream, respond and redirect");
  } else if (given.size() > 1) {
    reader_.error(*fields[given[1]], fields.at(given[1]),
                  fmt::format("the route has {} actions: {}", given.size(), joined(given, " and ")),
                  "keep one of upstream, respond and redirect");
  }
  if (Node* upstream = fields["upstream"]) {
    const Path at = fields.at("upstream");
    if (const auto name = reader_.text(*upstream, at)) {
      out.upstream = *name;
      upstream_names_.use(reader_, *upstream, at, upstream->view());
    }
  }
  if (Node* node = fields["respond"]) respond(*node, fields.at("respond"), out);
  if (Node* node = fields["redirect"]) redirect(*node, fields.at("redirect"), out);
}

void Builder::options(Fields& fields, proxy::RouteSpec& out) {
  rewrite(fields["rewrite"], fields.at("rewrite"), out);
  const Path request_edits = fields.at("request_headers");
  const Fields request(reader_, fields["request_headers"], request_edits, keys::header_edit);
  read_header_edit(reader_, request, Headers::request, out.request_headers);
  const Path response_edits = fields.at("response_headers");
  Fields response(reader_, fields["response_headers"], response_edits, keys::response_headers);
  read_header_edit(reader_, response, Headers::response, out.response_headers);
  response.read_members(out);
  const Path below = fields.at("timeout");
  Fields timeout(reader_, fields["timeout"], below, keys::route_timeout);
  timeout.read_members(out.timeout);
  fields.read_size("max_body", out.max_body, 0, max_body_limit);
  fields.read_members(out);
  if (fields["upstream"] || (!fields["respond"] && !fields["redirect"])) return;
  for (const std::string_view key : {"rewrite", "request_headers", "allow_connect", "allow_upgrade", "allow_trace"}) {
    if (!fields[key]) continue;
    reader_.warning(*fields[key], fields.at(key), fmt::format("{} has no effect here", key),
                    "the route answers requests itself; nothing is forwarded to an upstream");
  }
}

// A path with variables: its texts are those of a path in normal form, and a variable stands in a segment, but for
// ${path}, which begins one.
std::optional<std::string> Builder::rewritten_path(Node& node, const Path& path, const proxy::RouteSpec& route) {
  const auto text = read_request_text(reader_, node, path);
  if (!text) return std::nullopt;
  const auto compiled = proxy::Template::compile(*text);
  if (compiled->is_constant()) return read_path(reader_, node, path, *text, route.paths);
  for (const std::string_view whole : {"${uri}", "${query}"}) {
    if (text->find(whole) == std::string::npos) continue;
    reader_.error(node, path, fmt::format("{} contains the query, which is kept anyway", whole), "write ${path}");
    return std::nullopt;
  }
  if (const std::size_t seam = text->find("/${path}"); seam != std::string::npos) {
    reader_.error(node, path, "${path} already begins with /",
                  fmt::format("write {}{}", text->substr(0, seam), text->substr(seam + 1)));
    return std::nullopt;
  }
  std::string shape;  // the path with something plain for each variable
  compiled->visit([&](std::string_view literal) { shape += literal; },
                  [&](std::uint8_t variable) {
                    shape += variable == static_cast<std::uint8_t>(proxy::Variable::path) ? "/x" : "x";
                  },
                  [&](http::FieldId, std::string_view) { shape += "x"; });
  if (!read_path(reader_, node, path, shape, route.paths)) return std::nullopt;
  return text;
}

void Builder::rewrite(Node* node, const Path& path, proxy::RouteSpec& out) {
  Fields fields(reader_, node, path, keys::rewrite);
  if (Node* value = fields["prefix"]) out.rewrite.prefix = rewritten_path(*value, fields.at("prefix"), out);
  if (Node* value = fields["path"]) out.rewrite.path = rewritten_path(*value, fields.at("path"), out);
  if (fields["prefix"] && fields["path"]) {
    reader_.error(*fields["path"], fields.at("path"), "prefix and path are mutually exclusive",
                  "keep one: prefix replaces the matched part, path the whole path");
  }
  if (fields["prefix"] && out.path_match == proxy::PathMatch::exact) {
    reader_.error(*fields["prefix"], fields.at("prefix"), "a prefix can only be replaced if the route matches a prefix",
                  "this route matches one path exactly: use rewrite: { path: /new }");
  }
  if (Node* host = fields["host"]) {
    const auto text = read_request_text(reader_, *host, fields.at("host"));
    if (!text) return;
    const auto authority = http::parse_authority(*text);
    const bool constant = proxy::Template::compile(*text)->is_constant();
    if (constant && (!authority || authority->host.empty())) {
      reader_.error(*host, fields.at("host"), fmt::format("\"{}\" is not a host", *text), "write name or name:port");
      return;
    }
    out.rewrite.host = *text;
  }
}

void Builder::respond(Node& node, const Path& path, proxy::RouteSpec& out) {
  proxy::Respond& respond = out.respond.emplace();
  const Key& status_key = *find_key(keys::respond, "status");
  if (node.is_scalar()) {
    const bool from_file = node.is(Node::from_file);
    const bool on_purpose = node.is(Node::quoted) && !node.view().starts_with("${");
    if (all_digits(node.view()) && !on_purpose && !from_file) {
      const auto status = reader_.integer(node, path, status_key.low, status_key.high);
      if (status) respond.status = static_cast<std::uint16_t>(*status);
      return;
    }
    const auto body = reader_.text(node, path);
    if (!body) return;
    if (!from_file && !on_purpose && all_digits(*body)) {  // a variable may hold a status
      if (const auto status = reader_.integer(node, path, status_key.low, status_key.high)) {
        respond.status = static_cast<std::uint16_t>(*status);
      }
      return;
    }
    if (!from_file && status_in_front(*body) != 0) return refuse_status_as_text(reader_, node, path, *body);
    respond.body = *body;
    return;
  }
  if (node.kind != Kind::map) {
    reader_.wrong_kind(node, path, "a status, a string or a map", "respond: { status: 200, body: \"hello\" }");
    return;
  }
  Fields fields(reader_, &node, path, keys::respond);
  std::uint32_t status = respond.status;
  fields.read("status", status);
  respond.status = static_cast<std::uint16_t>(status);
  fields.read("body", respond.body);
  if (!respond.body.empty() && (status == 204 || status == 205 || status == 304)) {
    reader_.error(*fields["body"], fields.at("body"), fmt::format("an answer with status {} has no body", status),
                  "remove the body, or choose another status");
  }
  if (Node* type = fields["content_type"]) {
    if (auto value = read_field_value(reader_, *type, fields.at("content_type")))
      respond.content_type = std::move(*value);
  }
  if (Node* headers = fields["headers"]) {
    read_header_lists(reader_, *headers, fields.at("headers"), Headers::response, respond.headers.add);
  }
}

void Builder::redirect(Node& node, const Path& path, proxy::RouteSpec& out) {
  proxy::Redirect& redirect = out.redirect.emplace();
  const auto read_location = [&](Node& at, const Path& place) {
    const auto text = read_request_text(reader_, at, place);
    if (!text) return;
    redirect.location = *text;
    const bool clean = is_field_value(*text) && text->find(' ') == std::string_view::npos;
    const bool absolute = text->starts_with("http://") || text->starts_with("https://") ||
                          text->starts_with("${scheme}://") || text->starts_with('/') || text->starts_with("${path}") ||
                          text->starts_with("${uri}");
    if (clean && absolute) return;
    reader_.error(at, place, fmt::format("\"{}\" is not a location", *text),
                  "a location begins with https://, http:// or /, and contains no spaces: \"https://${host}${uri}\"");
  };
  if (node.is_scalar()) {
    read_location(node, path);
    return;
  }
  if (node.kind != Kind::map) {
    reader_.wrong_kind(node, path, "a location or a map", "redirect: \"https://${host}${uri}\"");
    return;
  }
  Fields fields(reader_, &node, path, keys::redirect);
  if (Node* location = fields["location"]) {
    read_location(*location, fields.at("location"));
  } else {
    reader_.error(node, path, "the redirect has no location", "add location: \"https://${host}${uri}\"");
  }
  if (Node* status = fields["status"]) {
    const auto value = reader_.integer(*status, fields.at("status"), 100, 999);
    if (!value) return;
    redirect.status = static_cast<std::uint16_t>(*value);
    if (!is_redirect_status(*value)) {
      reader_.error(*status, fields.at("status"), fmt::format("{} is not a redirect status", *value),
                    "write 301, 302, 303, 307 or 308");
    }
  }
}

}  // namespace weir::config
