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

std::vector<std::string> resolve_endpoints(proxy::Spec& spec) {
  std::vector<std::string> failures;
  std::map<std::string, std::expected<std::vector<Address>, std::string>> known;
  for (proxy::UpstreamSpec& upstream : spec.upstreams) {
    for (proxy::EndpointSpec& endpoint : upstream.endpoints) {
      if (!endpoint.addresses.empty()) continue;
      auto found = known.find(endpoint.text);
      if (found == known.end()) {
        std::string host;
        std::uint16_t port = 0;
        auto answer = split_host_port(endpoint.text, host, port)
                          ? platform::resolve_host(host, port)
                          : std::unexpected(std::string("it is neither an address nor a host name with a port"));
        found = known.emplace(endpoint.text, std::move(answer)).first;
      }
      if (found->second) {
        endpoint.addresses = *found->second;
        continue;
      }
      const std::string place = place_of(endpoint.origin);
      failures.push_back(
          fmt::format("cannot resolve endpoint {} (upstream {}{}{}): {}: check the name or write its address",
                      endpoint.text, upstream.name, place.empty() ? "" : ", ", place, found->second.error()));
    }
  }
  return failures;
}

}  // namespace weir::daemon
