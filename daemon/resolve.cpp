#include "daemon/resolve.hpp"

#include <fmt/format.h>

#include <map>

#include "core/platform/names.hpp"
#include "daemon/one_liner.hpp"

namespace weir::daemon {

std::string place_of(const proxy::Origin& origin) {
  if (origin.line == 0) return origin.file;
  return fmt::format("{}:{}:{}", origin.file, origin.line, origin.column);
}

namespace {

std::expected<std::vector<Address>, std::string> resolve(const std::string& text) {
  std::string host;
  std::uint16_t port = 0;
  if (split_host_port(text, host, port)) return platform::resolve_host(host, port);
  return std::unexpected(std::string("it is neither an address nor a host name with a port"));
}

}  // namespace

Resolved resolve_endpoints(const proxy::Spec& spec) {
  Resolved resolved;
  std::map<std::string, std::string, std::less<>> unknown;  // why
  for (const proxy::UpstreamSpec& upstream : spec.upstreams) {
    for (const proxy::EndpointSpec& endpoint : upstream.endpoints) {
      if (!endpoint.addresses.empty() || resolved.addresses.contains(endpoint.text)) continue;
      if (!unknown.contains(endpoint.text)) {
        auto answer = resolve(endpoint.text);
        if (answer) {
          resolved.addresses.emplace(endpoint.text, std::move(*answer));
          continue;
        }
        unknown.emplace(endpoint.text, answer.error());
      }
      const std::string place = place_of(endpoint.origin);
      resolved.failures.push_back(
          fmt::format("cannot resolve endpoint {} (upstream {}{}{}): {}: check the name or write its address",
                      endpoint.text, upstream.name, place.empty() ? "" : ", ", place, unknown.at(endpoint.text)));
    }
  }
  return resolved;
}

}  // namespace weir::daemon
