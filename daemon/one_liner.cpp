#include "daemon/one_liner.hpp"

#include <fmt/format.h>

#include <charconv>

namespace weir::daemon {
namespace {

// 1 to 65535, and 0 where the system may choose; nullopt for anything but digits.
std::optional<std::uint16_t> parse_port(std::string_view text) {
  std::uint16_t port = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
  if (text.empty() || error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return port;
}

// The text as a configuration file would have it: "8080" is ":8080", "localhost:8080" is "127.0.0.1:8080".
std::expected<std::string, std::string> listen_text(const std::string& given) {
  if (parse_port(given)) return ":" + given;
  constexpr std::string_view localhost = "localhost:";
  std::string text = given.starts_with(localhost) ? "127.0.0.1:" + given.substr(localhost.size()) : given;
  if (parse_address(text)) return text;
  if (given.starts_with("https://") || given.starts_with("http://")) {
    return std::unexpected(fmt::format("LISTEN '{}' is an address, not a URL: write it like ':8080'", given));
  }
  return std::unexpected(fmt::format(
      "LISTEN '{}' is no address: write it like ':8080', '127.0.0.1:8080', '[::1]:8080' or 'unix:/path'", given));
}

// "3000" is "127.0.0.1:3000", "http://name" is "name:80"; the rest is an address or a host name with a port.
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
  if (const auto port = parse_port(text); port && *port != 0) return "127.0.0.1:" + text;
  if (const auto address = parse_address(text); address && (!address->has_port() || address->port != 0)) {
    return text;
  }
  if (url && text.find(':') == std::string::npos && !text.empty()) text += ":80";
  std::string host;
  std::uint16_t port = 0;
  if (split_host_port(text, host, port) && port != 0) return text;
  return std::unexpected(fmt::format(
      "TARGET '{}' is no address: write it like 'localhost:3000', '3000', 'http://10.0.0.1' or 'unix:/path'", given));
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

  auto listen = listen_text(command.listen);
  if (!listen) return std::unexpected(listen.error());
  proxy::ListenerSpec& listener = spec->listeners.emplace_back();
  listener.name = "proxy";
  listener.upstream = "target";
  listener.bind_texts.push_back(std::move(*listen));
  listener.bind.push_back(*parse_address(listener.bind_texts.front()));

  proxy::UpstreamSpec& upstream = spec->upstreams.emplace_back();
  upstream.name = "target";
  upstream.endpoints.reserve(command.targets.size());  // addresses view into the texts, which must not move
  for (const std::string& given : command.targets) {
    auto text = target_text(given);
    if (!text) return std::unexpected(text.error());
    proxy::EndpointSpec& endpoint = upstream.endpoints.emplace_back();
    endpoint.text = std::move(*text);
    if (const auto address = parse_address(endpoint.text)) endpoint.addresses.push_back(*address);
  }

  if (!command.host.empty()) {
    proxy::RouteSpec& route = spec->routes.emplace_back();
    route.name = "proxy";
    route.upstream = "target";
    route.rewrite.host = command.host;
  }
  spec->access_log.enabled = command.access_log != AccessLogChoice::off;
  spec->access_log.format =
      command.access_log == AccessLogChoice::json ? proxy::LogFormat::json : proxy::LogFormat::combined;
  return spec;
}

}  // namespace weir::daemon
