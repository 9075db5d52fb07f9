// Everything at the top level but listeners, routes and upstreams.
#include <fmt/format.h>

#include "config/build.hpp"
#include "config/request_text.hpp"
#include "core/base/log.hpp"
#include "core/proxy/template.hpp"

namespace weir::config {

namespace {

constexpr std::uint64_t KiB = 1024;
constexpr std::uint64_t MiB = 1024 * KiB;
constexpr std::uint64_t head_reserve = 4 * KiB;  // of a buffer, for what weir adds to a head

}  // namespace

void Builder::runtime(Node* node, const Path& path) {
  Fields fields(reader_, node, path, keys::runtime);
  if (Node* workers = fields["workers"]) {
    const Key& entry = *find_key(keys::runtime, "workers");
    if (workers->view() != "auto") {
      const auto count = reader_.integer(*workers, fields.at("workers"), entry.low, entry.high);
      if (count) spec_.runtime.workers = static_cast<std::uint32_t>(*count);
    }
  }
  if (Node* backend = fields["backend"]) {
    const Key& entry = *find_key(keys::runtime, "backend");
    if (const auto choice = reader_.choice(*backend, fields.at("backend"), entry.choices)) {
      spec_.runtime.backend = entry.choices[*choice];
      if (*choice != 0) reader_.demands().backend = reader_.tree().place_of(*backend, fields.at("backend").text());
    }
  }
  fields.read_size("buffer_size", spec_.runtime.buffer_size, 8 * KiB, 1 * MiB);
  if (Node* control = fields["control"]) {
    if (auto where = read_control(reader_, *control, fields.at("control"))) spec_.runtime.control = std::move(*where);
  }
  fields.read_members(spec_.runtime);
  const Path below = fields.at("shutdown");
  Fields shutdown(reader_, fields["shutdown"], below, keys::shutdown);
  shutdown.read_members(spec_.runtime.shutdown);
}

void Builder::limits(Node* node, const Path& path) {
  Fields fields(reader_, node, path, keys::limits);
  http::Limits& limits = spec_.limits;
  const std::uint64_t most = spec_.runtime.buffer_size - head_reserve;
  if (limits.head > most) limits.head = most;
  const auto bounded = [&](std::string_view key, std::size_t& out) {
    Node* value = fields[key];
    if (!value) return;
    const auto size = reader_.size(*value, fields.at(key), 256, 1 * MiB);
    if (!size) return;
    out = *size;
    if (*size > most) {
      reader_.error(*value, fields.at(key), fmt::format("{} does not fit into a buffer", size_text(*size)),
                    fmt::format("at most {}: runtime.buffer_size ({}) less {}", size_text(most),
                                size_text(spec_.runtime.buffer_size), size_text(head_reserve)));
    }
  };
  bounded("head", limits.head);
  if (limits.request_line > limits.head) limits.request_line = limits.head;
  if (limits.header_line > limits.head) limits.header_line = limits.head;
  bounded("request_line", limits.request_line);
  bounded("header_line", limits.header_line);
  bounded("trailers", limits.trailers);
  for (const std::string_view key : {"request_line", "header_line"}) {
    const std::size_t line = key == "request_line" ? limits.request_line : limits.header_line;
    if (fields[key] && line > limits.head && line <= most) {
      reader_.error(*fields[key], fields.at(key),
                    fmt::format("a line of {} is longer than a whole head", size_text(line)),
                    fmt::format("limits.head is {}", size_text(limits.head)));
    }
  }
  std::uint32_t count = limits.header_count;
  fields.read("header_count", count);
  limits.header_count = static_cast<std::uint16_t>(count);
}

void Builder::timeouts(Node* node, const Path& path) {
  Fields fields(reader_, node, path, keys::timeouts);
  fields.read_members(spec_.timeouts);
}

void Builder::paths(Node* node, const Path& path, proxy::PathRules& out) {
  Fields fields(reader_, node, path, keys::paths);
  fields.read_members(out);
  if (Node* slashes = fields["encoded_slashes"]) {
    const Key& entry = *find_key(keys::paths, "encoded_slashes");
    const auto choice = reader_.choice(*slashes, fields.at("encoded_slashes"), entry.choices);
    using EncodedSlash = proxy::PathRules::EncodedSlash;
    if (choice) out.encoded_slash = *choice == 1 ? EncodedSlash::keep : EncodedSlash::refuse;
  }
}

void Builder::forwarding(Node* node, const Path& path) {
  Fields fields(reader_, node, path, keys::forwarding);
  proxy::Forwarding& forwarding = spec_.forwarding;
  fields.read_members(forwarding);
  Node* trusted = fields["trusted_proxies"];
  if (!trusted || trusted->kind == Kind::null) return;
  reader_.each(*trusted, fields.at("trusted_proxies"), [&](Node& at, const Path& place) {
    const auto text = reader_.text(at, place);
    if (!text) return;
    BlockResult read = parse_block_text(*text);
    if (read.block) {
      forwarding.trusted_proxies.push_back(*read.block);
    } else {
      reader_.error(at, place, std::move(read.message), std::move(read.hint));
    }
  });
}

void Builder::access_log(Node* node, const Path& path) {
  if (!node) return;
  proxy::AccessLogSpec& log = spec_.access_log;
  log.enabled = true;
  if (node->is_scalar()) return log_format(*node, path);
  if (node->kind == Kind::null) {
    reader_.wrong_kind(*node, path, "combined, json, terminal or a map");
    return;
  }
  Fields fields(reader_, node, path, keys::access_log);
  if (Node* format = fields["format"]) log_format(*format, fields.at("format"));
  fields.read("path", log.path);
  if (!names_stream(log.path)) log.path = reader_.beside_file(*fields["path"], log.path);
}

// The name of a format, or a template of a line.
void Builder::log_format(Node& node, const Path& path) {
  proxy::AccessLogSpec& log = spec_.access_log;
  const std::string word = lower(node.view());
  if (!node.is(Node::quoted) && (word == "off" || word == "no" || word == "false" || word == "none")) {
    reader_.error(node, path, fmt::format("\"{}\" is not a format of an access log", node.view()),
                  "to log nothing, remove the key access_log");
    return;
  }
  const auto text = read_template(reader_, node, path, proxy::access_log_fields);
  if (!text) return;
  const auto compiled = proxy::Template::compile(*text, proxy::access_log_fields);
  if (!compiled->is_constant()) {
    log.format = proxy::LogFormat::line;
    log.line = *text;
    if (text->find_first_of("\r\n") != std::string::npos) {
      reader_.error(node, path, "a line of the access log cannot contain a line break", "write it on one line");
    }
    return;
  }
  using proxy::LogFormat;
  constexpr std::string_view names[] = {"combined", "json", "terminal"};
  constexpr LogFormat formats[] = {LogFormat::combined, LogFormat::json, LogFormat::terminal};
  if (const auto choice = reader_.choice(node, path, names)) log.format = formats[*choice];
}

void Builder::server_name(Node* node, const Path& path) {
  if (!node) return;
  if (const auto value = read_field_value(reader_, *node, path)) spec_.server_name = *value;
}

}  // namespace weir::config
