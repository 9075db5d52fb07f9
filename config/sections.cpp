// Everything at the top level but listeners, routes and upstreams.
#include <fmt/format.h>

#include "config/build.hpp"

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
  fields.read_integer("max_scripts", spec_.runtime.max_scripts);
  const Path below = fields.at("shutdown");
  Fields shutdown(reader_, fields["shutdown"], below, keys::shutdown);
  shutdown.read("timeout", spec_.runtime.shutdown.timeout);
  shutdown.read("idle", spec_.runtime.shutdown.idle);
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
  fields.read_integer("header_count", count);
  limits.header_count = static_cast<std::uint16_t>(count);
}

void Builder::timeouts(Node* node, const Path& path) {
  Fields fields(reader_, node, path, keys::timeouts);
  proxy::Timeouts& timeouts = spec_.timeouts;
  fields.read("head", timeouts.head);
  fields.read("keep_alive", timeouts.keep_alive);
  fields.read("connect", timeouts.connect);
  fields.read("first_byte", timeouts.first_byte);
  fields.read("idle", timeouts.idle);
  fields.read("total", timeouts.total);
  fields.read("tunnel", timeouts.tunnel);
}

void Builder::forwarding(Node* node, const Path& path) {
  Fields fields(reader_, node, path, keys::forwarding);
  proxy::Forwarding& forwarding = spec_.forwarding;
  fields.read("x_forwarded", forwarding.x_forwarded);
  fields.read("forwarded", forwarding.forwarded);
  fields.read("via", forwarding.via);
  fields.read("via_upstream", forwarding.via_upstream);
  fields.read("request_id", forwarding.request_id);
  Node* trusted = fields["trusted_proxies"];
  if (!trusted || trusted->kind == Kind::null) return;
  reader_.each(*trusted, fields.at("trusted_proxies"), [&](Node& at, const Path& place) {
    const auto text = reader_.text(at, place);
    if (!text) return;
    const auto block = parse_block(*text);
    if (!block) {
      reader_.error(at, place, fmt::format("\"{}\" is no address block", *text),
                    "write 10.0.0.0/8, fd00::/8, or a single address such as 10.0.0.1");
      return;
    }
    forwarding.trusted_proxies.push_back(*block);
  });
}

void Builder::access_log(Node* node, const Path& path) {
  if (!node) return;
  proxy::AccessLogSpec& log = spec_.access_log;
  log.enabled = true;
  const Key& format = *find_key(keys::access_log, "format");
  if (node->is_scalar()) {
    const std::string word = lower(node->view());
    if (word == "off" || word == "no" || word == "false" || word == "none") {
      reader_.error(*node, path, fmt::format("\"{}\" is no format of an access log", node->view()),
                    "without the key access_log nothing is logged: remove it");
      return;
    }
    if (const auto choice = reader_.choice(*node, path, format.choices)) {
      log.format = *choice == 1 ? proxy::LogFormat::json : proxy::LogFormat::combined;
    }
    return;
  }
  if (node->kind == Kind::null) {
    reader_.wrong_kind(*node, path, "combined, json or a map");
    return;
  }
  Fields fields(reader_, node, path, keys::access_log);
  if (Node* value = fields["format"]) {
    if (const auto choice = reader_.choice(*value, fields.at("format"), format.choices)) {
      log.format = *choice == 1 ? proxy::LogFormat::json : proxy::LogFormat::combined;
    }
  }
  fields.read("path", log.path);
}

void Builder::server_name(Node* node, const Path& path) {
  if (!node) return;
  if (const auto value = read_field_value(reader_, *node, path)) spec_.server_name = *value;
}

}  // namespace weir::config
