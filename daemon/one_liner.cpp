#include "daemon/one_liner.hpp"

#include <fmt/format.h>

#include <charconv>
#include <chrono>

#include "config/text.hpp"
#include "core/http/uri.hpp"

namespace weir::daemon {
namespace {

const std::string localhost_prefix = "localhost:";

// Ctrl-C in a terminal ends weir within this time.
constexpr Duration stop_at_most = std::chrono::seconds(1);

// 1 to 65535, and 0 where the system may choose; nullopt for anything but digits.
std::optional<std::uint16_t> parse_port(std::string_view text) {
  std::uint16_t port = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
  if (text.empty() || error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return port;
}

// What is listened on: each text as a configuration file would have it. A port alone is this machine's, in both
// families; ":8080" is open to every address.
struct Listen {
  std::string first;
  std::string second_family;  // empty: none
};

std::expected<Listen, std::string> listen_texts(const std::string& given) {
  constexpr std::string_view localhost = "localhost:";
  const std::string port = given.starts_with(localhost) ? given.substr(localhost.size()) : given;
  if (parse_port(port)) return Listen{"127.0.0.1:" + port, "[::1]:" + port};
  if (const auto address = parse_address(given)) {
    const bool any = given.starts_with(':') || given.starts_with("*:");
    return Listen{given, any ? fmt::format("[::]:{}", address->port) : std::string{}};
  }
  if (given.starts_with("https://") || given.starts_with("http://")) {
    return std::unexpected(fmt::format("LISTEN '{}' is a URL: write an address, such as ':8080'", given));
  }
  return std::unexpected(fmt::format(
      "LISTEN '{}' is not an address: write ':8080', '8080', '127.0.0.1:8080', '[::1]:8080' or 'unix:/path'", given));
}

// "3000" is "localhost:3000", "http://name" is "name:80"; the rest is an address or a host name with a port.
std::expected<std::string, std::string> target_text(const std::string& given) {
  constexpr std::string_view scheme = "http://";
  std::string text = given;
  if (text.starts_with("https://")) {
    return std::unexpected(
        fmt::format("TARGET '{}': weir speaks plain HTTP to targets, write http:// or host:port", given));
  }
  const bool url = text.starts_with(scheme);
  if (url) {
    text.erase(0, scheme.size());
    if (text.ends_with('/')) text.pop_back();
  }
  if (!text.starts_with("unix:") && text.find('/') != std::string::npos) {
    return std::unexpected(
        fmt::format("TARGET '{}' has a path: a target is an address only; "
                    "use a configuration file with a route and 'rewrite' to change paths",
                    given));
  }
  if (text.starts_with(':')) text.erase(0, 1);
  if (const auto port = parse_port(text); port && *port != 0) return localhost_prefix + text;
  if (const auto address = parse_address(text); address && (!address->has_port() || address->port != 0)) {
    return text;
  }
  if (url && text.find(':') == std::string::npos && !text.empty()) text += ":80";
  std::string host;
  std::uint16_t port = 0;
  if (split_host_port(text, host, port) && port != 0) return text;
  return std::unexpected(fmt::format(
      "TARGET '{}' is not an address: write 'localhost:3000', '3000', 'http://10.0.0.1' or 'unix:/path'", given));
}

// Empty, or what is wrong.
std::string read_forwarding(const ProxyCommand& command, proxy::Forwarding& out) {
  out = command.forwarding;
  for (const std::string& text : command.trusted_proxies) {
    const config::BlockResult read = config::parse_block_text(text);
    if (!read.block) return fmt::format("--trusted-proxies: {}: {}", read.message, read.hint);
    out.trusted_proxies.push_back(*read.block);
  }
  return {};
}

}  // namespace

bool split_host_port(std::string_view text, std::string& host, std::uint16_t& port) {
  const std::size_t colon = text.rfind(':');
  if (colon == std::string_view::npos || colon == 0) return false;
  const auto number = parse_port(text.substr(colon + 1));
  if (!number) return false;
  std::string_view name = text.substr(0, colon);
  if (name.starts_with('[') && name.ends_with(']')) {
    name = name.substr(1, name.size() - 2);
  } else if (name.find(':') != std::string_view::npos) {
    return false;
  }
  constexpr std::string_view allowed = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.:%";
  if (name.empty() || name.find_first_not_of(allowed) != std::string_view::npos) return false;
  host = name;
  port = *number;
  return true;
}

std::expected<std::shared_ptr<const proxy::Spec>, std::string> spec_of(const ProxyCommand& command) {
  auto spec = std::make_shared<proxy::Spec>();

  auto listen = listen_texts(command.listen);
  if (!listen) return std::unexpected(listen.error());
  proxy::ListenerSpec& listener = spec->listeners.emplace_back();
  listener.name = "proxy";
  listener.upstream = "target";
  listener.bind_texts.push_back(std::move(listen->first));
  listener.second_family.push_back(false);
  if (!listen->second_family.empty()) {
    listener.bind_texts.push_back(std::move(listen->second_family));
    listener.second_family.push_back(true);
  }
  for (const std::string& text : listener.bind_texts) listener.bind.push_back(*parse_address(text));

  proxy::UpstreamSpec& upstream = spec->upstreams.emplace_back();
  upstream.name = "target";
  upstream.endpoints.reserve(command.targets.size());  // addresses view into the texts, which must not move
  for (const std::string& given : command.targets) {
    auto text = target_text(given);
    if (!text) return std::unexpected(text.error());
    proxy::EndpointSpec& endpoint = upstream.endpoints.emplace_back();
    endpoint.text = std::move(*text);
    if (endpoint.text.starts_with(localhost_prefix)) {
      const std::string port = endpoint.text.substr(localhost_prefix.size());
      endpoint.addresses = {*parse_address("127.0.0.1:" + port), *parse_address("[::1]:" + port)};
    } else if (const auto address = parse_address(endpoint.text)) {
      endpoint.addresses.push_back(*address);
    }
  }

  if (!command.host.empty()) {
    const auto authority = http::parse_authority(command.host);
    if (!authority || authority->host.empty()) {
      return std::unexpected(fmt::format("--host '{}' is not a host: write name or name:port", command.host));
    }
    proxy::RouteSpec& route = spec->routes.emplace_back();
    route.name = "proxy";
    route.upstream = "target";
    route.rewrite.host = command.host;
  }
  if (auto wrong = read_forwarding(command, spec->forwarding); !wrong.empty()) return std::unexpected(std::move(wrong));
  spec->runtime.control = "off";  // its terminal controls it
  spec->runtime.shutdown.timeout = stop_at_most;
  spec->runtime.shutdown.tunnels = stop_at_most;
  spec->access_log.enabled = command.access_log != AccessLogChoice::off;
  switch (command.access_log) {
    case AccessLogChoice::off:
    case AccessLogChoice::terminal: spec->access_log.format = proxy::LogFormat::terminal; break;
    case AccessLogChoice::combined: spec->access_log.format = proxy::LogFormat::combined; break;
    case AccessLogChoice::json: spec->access_log.format = proxy::LogFormat::json; break;
  }
  return spec;
}

}  // namespace weir::daemon
