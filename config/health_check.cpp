#include <fmt/format.h>

#include <algorithm>

#include "config/build.hpp"
#include "core/base/path.hpp"
#include "core/http/uri.hpp"

namespace weir::config {

namespace {

constexpr Duration shortest_interval = std::chrono::milliseconds(10);

constexpr std::string_view kinds_example =
    "add one of tcp: true, http: /healthz and script: [/etc/weir/checks/app]";

// The path and query of a GET, as it will stand in the request line.
std::optional<std::string> read_check_path(Reader& reader, Node& node, const Path& path) {
  const auto text = reader.text(node, path);
  if (!text) return std::nullopt;
  const auto stands_alone = [](unsigned char c) { return c > 0x20 && c < 0x7f && c != '#'; };
  if (text->starts_with('/') && std::all_of(text->begin(), text->end(), stands_alone)) return std::string(*text);
  const std::size_t scheme = text->find("://");
  const std::size_t slash = scheme == std::string_view::npos ? scheme : text->find('/', scheme + 3);
  std::string hint = "a path begins with / and contains only visible ASCII characters: /healthz?deep=1";
  if (scheme != std::string_view::npos) {
    hint = fmt::format("the endpoint gives the host; write only the path: {}",
                       slash == std::string_view::npos ? "/" : text->substr(slash));
  } else if (!text->empty() && text->front() != '/' && std::all_of(text->begin(), text->end(), stands_alone)) {
    hint = fmt::format("write /{}", *text);
  }
  reader.error(node, path, fmt::format("\"{}\" is not a valid path", *text), std::move(hint));
  return std::nullopt;
}

// argv. A program with a separator starts from the directory of the file that writes it, as an include does.
std::vector<std::string> read_script(Reader& reader, Node& node, const Path& path) {
  std::vector<std::string> argv;
  bool good = true;
  reader.each(node, path, [&](Node& at, const Path& place) {
    const auto text = reader.text(at, place);
    good = good && text.has_value();
    if (!text) return;
    if (text->find('\0') != std::string_view::npos) {
      reader.error(at, place, "a program argument cannot contain a zero byte");
      good = false;
    }
    argv.emplace_back(*text);
  });
  if (!good) return {};
  if (argv.empty() || argv.front().empty()) {
    reader.error(node, path, "the script is empty", "write the program and its arguments: [/etc/weir/checks/app, --max, 5s]");
    return {};
  }
  if (node.kind == Kind::scalar && argv.front().find(' ') != std::string::npos) {
    reader.warning(node, path,
                   fmt::format("\"{}\" is taken as the name of one program, including the spaces", argv.front()),
                   "no shell is involved; write the arguments as elements of a list: [/etc/weir/checks/app, --max, "
                   "5s]");
  }
  std::string& program = argv.front();
  if (path_of(program).has_parent_path()) program = reader.beside_file(node, program);
  reader.demands().programs.push_back({program, reader.tree().place_of(node, path.text())});
  return argv;
}

// Reads what is asked; false when it is not exactly one thing.
bool read_kind(Reader& reader, Fields& fields, proxy::HealthCheckSpec& out) {
  using Kind = proxy::HealthCheckSpec::Kind;
  std::vector<std::string_view> given;
  for (const std::string_view key : {"tcp", "http", "script"}) {
    if (fields[key]) given.push_back(key);
  }
  if (given.empty()) {
    reader.error(fields.node(), fields.path(), "the health check does not say what to check",
                 std::string(kinds_example));
    return false;
  }
  if (given.size() > 1) {
    reader.error(*fields[given[1]], fields.at(given[1]),
                 fmt::format("a health check is one of {}, but this one has {}", "tcp, http and script",
                             joined(given, " and ")),
                 fmt::format("keep one; if a request is answered, {} would pass as well",
                             given[0] == "tcp" ? "tcp" : "a connection"));
    return false;
  }
  if (Node* http = fields["http"]) {
    out.kind = Kind::http;
    const auto path = read_check_path(reader, *http, fields.at("http"));
    if (path) out.path = *path;
    return path.has_value();
  }
  if (Node* script = fields["script"]) {
    out.kind = Kind::script;
    out.script = read_script(reader, *script, fields.at("script"));
    if (out.script.empty()) return false;
    reader.demand(Feature::child_processes, *script, fields.at("script"),
                  fmt::format("the health check runs \"{}\" as a child process", out.script.front()));
    return true;
  }
  bool tcp = true;
  fields.read("tcp", tcp);
  if (!tcp) reader.error(*fields["tcp"], fields.at("tcp"), "tcp: false checks nothing", "remove health_check, or write tcp: true");
  return tcp;
}

// "200" or "300-399".
std::optional<proxy::HealthCheckSpec::Statuses> parse_statuses(std::string_view text) noexcept {
  const auto number = [](std::string_view digits) -> std::optional<std::uint16_t> {
    if (digits.size() != 3 || digits.find_first_not_of("0123456789") != std::string_view::npos) return std::nullopt;
    const int value = (digits[0] - '0') * 100 + (digits[1] - '0') * 10 + (digits[2] - '0');
    return value >= 200 && value <= 599 ? std::optional(static_cast<std::uint16_t>(value)) : std::nullopt;
  };
  const std::size_t dash = text.find('-');
  const auto first = number(text.substr(0, dash));
  const auto last = dash == std::string_view::npos ? first : number(text.substr(dash + 1));
  if (!first || !last || *first > *last) return std::nullopt;
  return proxy::HealthCheckSpec::Statuses{*first, *last};
}

void read_expect(Reader& reader, Node& node, const Path& path, proxy::HealthCheckSpec& out) {
  if (node.kind == Kind::list && node.size == 0) {
    reader.error(node, path, "an empty list accepts no status", "write [200], or leave expect out for 200 to 399");
    return;
  }
  reader.each(node, path, [&](Node& at, const Path& place) {
    const auto text = reader.text(at, place);
    if (!text) return;
    const auto statuses = parse_statuses(*text);
    if (statuses) {
      out.expect.push_back(*statuses);
      return;
    }
    const bool pattern = text->size() == 3 && (*text)[0] >= '2' && (*text)[0] <= '5' && lower(text->substr(1)) == "xx";
    reader.error(at, place, fmt::format("\"{}\" is not a status from 200 to 599, nor a range of them", *text),
                 pattern ? fmt::format("write \"{0}00-{0}99\"", (*text)[0]) : "write 200, or a range: \"200-299\"");
  });
}

// What only an http check sends and expects.
void read_request(Reader& reader, Fields& fields, proxy::HealthCheckSpec& out) {
  for (const std::string_view key : {"host", "headers", "expect"}) {
    if (!fields[key] || fields["http"] || !(fields["tcp"] || fields["script"])) continue;
    reader.error(*fields[key], fields.at(key), fmt::format("{} belongs to an http check", key),
                 fmt::format("remove it, or check with http: /healthz instead of {}", fields["tcp"] ? "tcp" : "script"));
  }
  if (Node* host = fields["host"]) {
    const auto text = reader.text(*host, fields.at("host"));
    const auto authority = text ? http::parse_authority(*text) : std::nullopt;
    if (text && (!authority || authority->host.empty())) {
      reader.error(*host, fields.at("host"), fmt::format("\"{}\" is not a host", *text), "write name or name:port");
    }
    if (text) out.host = *text;
  }
  if (Node* headers = fields["headers"]) read_constant_headers(reader, *headers, fields.at("headers"), out.headers);
  if (Node* expect = fields["expect"]) read_expect(reader, *expect, fields.at("expect"), out);
}

}  // namespace

void Builder::health_check(Node* node, const Path& path, proxy::UpstreamSpec& out) {
  if (!node) return;
  if (node->kind == Kind::null) {
    reader_.error(*node, path, "the health check does not say what to check", std::string(kinds_example));
    return;
  }
  Fields fields(reader_, node, path, keys::health_check);
  if (node->kind != Kind::map) return;
  proxy::HealthCheckSpec check;
  const bool good = read_kind(reader_, fields, check);
  fields.read("interval", check.interval, Zero::refused);
  if (check.interval < shortest_interval && fields["interval"]) {
    reader_.error(*fields["interval"], fields.at("interval"),
                  fmt::format("an interval of {} is too short", duration_text(check.interval)),
                  fmt::format("at least {}", duration_text(shortest_interval)));
  }
  // Without a timeout of its own a frequent check has its interval.
  if (!fields["timeout"]) check.timeout = std::min(check.timeout, check.interval);
  fields.read("timeout", check.timeout, Zero::refused);
  if (check.timeout > check.interval) {
    reader_.error(*fields["timeout"], fields.at("timeout"),
                  fmt::format("the timeout {} is longer than the interval {}{}", duration_text(check.timeout),
                              duration_text(check.interval), fields["interval"] ? "" : " (the default)"),
                  fmt::format("a check must end before the next one begins: shorten the timeout, or write interval: {}",
                              duration_text(check.timeout)));
  }
  fields.read_members(check);
  read_request(reader_, fields, check);
  if (good) out.health_check = std::move(check);
}

}  // namespace weir::config
