#include <fmt/format.h>

#include <algorithm>

#include "config/build.hpp"
#include "config/foreign_keys.hpp"

namespace weir::config {

namespace {

constexpr std::size_t max_unix_path = 107;  // sun_path less its terminator, on Linux

bool all_digits(std::string_view text) noexcept {
  return !text.empty() && text.find_first_not_of("0123456789") == std::string_view::npos;
}

bool is_port(std::string_view text) noexcept {
  if (!all_digits(text) || text.size() > 5) return false;
  unsigned value = 0;
  for (const char c : text) value = value * 10 + static_cast<unsigned>(c - '0');
  return value <= 65535;
}

std::string_view without_scheme(std::string_view text) noexcept {
  const std::size_t end = text.find("://");
  if (end == std::string_view::npos) return {};
  text.remove_prefix(end + 3);
  return text.substr(0, text.find('/'));
}

// A pipe of another machine, one in double quotes, and what other programs write.
bool looks_like_pipe(std::string_view text) noexcept {
  for (const std::string_view start : {"\\\\", "\\.", "//./", "npipe:", "pipe:"}) {
    if (text.starts_with(start)) return true;
  }
  return false;
}

// nginx and HAProxy write options behind the address of a server: "10.0.0.1:3000 weight=3 max_fails=2".
std::string remedy_for_options(std::string_view address, std::string_view options) {
  std::string out;
  for (const std::string_view name : {"weight=", "weight "}) {
    const std::size_t at = options.find(name);
    if (at == std::string_view::npos) continue;
    const std::string_view value = options.substr(at + name.size());
    out = fmt::format("weight is a key: {{ address: \"{}\", weight: {} }}", address,
                      value.substr(0, value.find_first_of(" ;")));
  }
  if (!out.empty()) return out;
  if (const ForeignKey* foreign = foreign_key(options)) return fmt::format("{}: {}", foreign->name, foreign->answer);
  return fmt::format("write only the address: \"{}\"; options such as weight are keys", address);
}

// What was probably meant by a text that is not an address.
std::string remedy(std::string_view text, bool for_endpoint) {
  std::string general = for_endpoint
                                  ? "an endpoint is 127.0.0.1:3000, [::1]:3000, app.internal:3000 or unix:/path"
                                  : "an address is :8080, 127.0.0.1:8080, [::1]:8080 or unix:/path";
  const std::string_view example = for_endpoint ? "127.0.0.1" : "";
  if (const std::string_view rest = without_scheme(text); !rest.empty()) {
    return fmt::format("write it without the scheme and path: {}{}", rest,
                       rest.rfind(':') == std::string_view::npos ? ":80" : "");
  }
  if (const std::size_t blank = text.find_first_of(" \t"); for_endpoint && blank != std::string_view::npos) {
    return remedy_for_options(text.substr(0, blank), text.substr(blank + 1));
  }
  if (looks_like_pipe(text)) {
    return fmt::format("write a named pipe as '{}NAME' in single quotes; NAME has at most {} bytes, without \\ and /",
                       pipe_prefix, max_pipe_name);
  }
  if (text.starts_with('/')) return fmt::format("write a unix socket as unix:{}", text);
  if (text.starts_with("unix:")) {
    return fmt::format("write unix: and a path of at most {} bytes", max_unix_path);
  }
  if (is_port(text)) return fmt::format("write a port alone as {}:{}; {}", example, text, general);
  if (parse_ip(text)) {
    return text.find(':') == std::string_view::npos ? fmt::format("it needs a port: {}:8080", text)
                                                    : fmt::format("IPv6 needs brackets and a port: [{}]:8080", text);
  }
  const std::size_t colon = text.rfind(':');
  if (colon != std::string_view::npos && all_digits(text.substr(colon + 1)) && !is_port(text.substr(colon + 1))) {
    return "a port is at most 65535";
  }
  if (for_endpoint && colon == std::string_view::npos && is_host_name(text)) {
    return fmt::format("it needs a port: {}:80", text);
  }
  return general;
}

// What not every platform has.
bool check_family(Reader& reader, const Node& node, const Path& path, const Address& address) {
  if (address.family == Family::named_pipe) {
    reader.demand(Feature::named_pipes, node, path, fmt::format("\"{}\" is a named pipe", node.view()));
  }
  if (address.family != Family::unix_path) return true;
  if (!address.path.empty() && address.path.size() <= max_unix_path) {
    reader.demand(Feature::unix_sockets, node, path, fmt::format("\"{}\" is a unix socket", node.view()));
    return true;
  }
  reader.error(node, path, fmt::format("\"{}\" is not a usable socket path", node.view()), remedy(node.view(), true));
  return false;
}

}  // namespace

bool is_host_name(std::string_view text) noexcept {
  if (text.empty() || text.size() > 253) return false;
  std::size_t label = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (c == '.') {
      if (label == 0 || text[i - 1] == '-') return false;
      label = 0;
      continue;
    }
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
    if (!plain && !(c == '-' && label > 0)) return false;
    if (++label > 63) return false;
  }
  return label > 0 && text.back() != '-';
}

std::optional<Address> read_bind(Reader& reader, Node& node, const Path& path) {
  // A number here is a port whose colon was forgotten; say that rather than something about numbers.
  const auto text = reader.text(node, path);
  if (!text) return std::nullopt;
  const auto address = parse_address(*text);
  if (address) return check_family(reader, node, path, *address) ? address : std::nullopt;
  const std::size_t colon = text->rfind(':');
  const bool named = colon != std::string_view::npos && is_host_name(text->substr(0, colon)) &&
                     !all_digits(text->substr(0, 1)) && is_port(text->substr(colon + 1));
  reader.error(node, path, fmt::format("\"{}\" is not an address", *text),
               named ? fmt::format("a listener binds to an address, not to a name: write 127.0.0.1{} or {}",
                                   text->substr(colon), text->substr(colon))
                     : remedy(*text, false));
  return std::nullopt;
}

std::optional<std::string> read_control(Reader& reader, Node& node, const Path& path) {
  const std::string word = node.is_scalar() && !node.is(Node::quoted) ? lower(node.view()) : std::string{};
  if (word == "auto") return word;
  if (word == "off" || word == "no" || word == "false") return "off";  // YAML 1.1 reads them as a boolean
  const auto given = reader.text(node, path);
  if (!given) return std::nullopt;
  std::optional<std::string> text(*given);
  if (*text == "auto" || *text == "off") return text;
  const auto address = parse_address(*text);
  if (address && !address->has_port()) return check_family(reader, node, path, *address) ? text : std::nullopt;
  reader.error(node, path, fmt::format("\"{}\" is not a place for the control socket", *text),
               address                  ? "a TCP address will not do: write auto, off or unix:/path"
               : text->starts_with('/') ? fmt::format("write a unix socket as unix:{}", *text)
                                        : "write auto, off or unix:/path");
  return std::nullopt;
}

bool read_endpoint(Reader& reader, Node& node, const Path& path) {
  const auto text = reader.text(node, path);
  if (!text) return false;
  if (const auto address = parse_address(*text)) {
    if (!address->has_port()) return check_family(reader, node, path, *address);
    const bool anywhere = std::all_of(address->ip.begin(), address->ip.end(), [](std::uint8_t b) { return b == 0; });
    if (anywhere) {
      reader.error(node, path, fmt::format("\"{}\" has no host to connect to", *text),
                   fmt::format("for this machine, write {}:{}", address->family == Family::ipv6 ? "[::1]" : "127.0.0.1",
                               address->port));
      return false;
    }
    if (address->port == 0) reader.error(node, path, "an endpoint cannot have port 0", "write the port that the server listens on");
    return address->port != 0;
  }
  const std::size_t colon = text->rfind(':');
  if (colon != std::string_view::npos && is_port(text->substr(colon + 1)) && is_host_name(text->substr(0, colon)) &&
      text->substr(0, colon).find_first_not_of("0123456789.") != std::string_view::npos &&
      text->substr(colon + 1).find_first_not_of('0') != std::string_view::npos) {
    return true;
  }
  reader.error(node, path, fmt::format("\"{}\" is not an endpoint", *text), remedy(*text, true));
  return false;
}

void Builder::fill_addresses(proxy::Spec& spec) {
  for (proxy::ListenerSpec& listener : spec.listeners) {
    for (const std::string& text : listener.bind_texts) {
      if (const auto address = parse_address(text)) listener.bind.push_back(*address);
    }
  }
  for (proxy::UpstreamSpec& upstream : spec.upstreams) {
    for (proxy::EndpointSpec& endpoint : upstream.endpoints) {
      if (const auto address = parse_address(endpoint.text)) endpoint.addresses.push_back(*address);
    }
  }
}

}  // namespace weir::config
