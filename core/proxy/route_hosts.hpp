#pragma once
// The hosts that routes name, each with the range of its paths: from a request's host to the hosts that match it, the
// most specific one first. Filled once, immutable after that; any thread may read it. Knows nothing of paths.

#include <cstdint>
#include <string_view>
#include <vector>

#include "core/http/head.hpp"
#include "core/proxy/hash_index.hpp"
#include "core/proxy/route_order.hpp"
#include "core/proxy/route_paths.hpp"

namespace weir::proxy {

class RouteHosts {
 public:
  static constexpr std::uint32_t none = HashIndex::none;

  RouteHosts() { hosts_.push_back({names_.keep({}), {}}); }

  // The paths of the host with that key (host_key), which is added when it is new. The reference lasts until the next
  // call.
  PathRange& add(std::string_view key);
  // Nothing more is added.
  void finish();

  // What look(const PathRange&) returns first that is not none, for the exact host, the wildcards that match from long
  // to short, and any host. `host` may have a port and be of any case.
  template <class Look>
  std::uint32_t find(std::string_view host, Look&& look) const noexcept {
    host = bare_host(host);
    if (!host.empty() && host.front() != '.') {
      const std::uint32_t exact = position_of(host);
      if (exact != none)
        if (const std::uint32_t found = look(hosts_[exact].paths); found != none) return found;
      for (const std::uint32_t size : wildcard_lengths_) {
        if (size >= host.size() || host[host.size() - size] != '.') continue;
        const std::uint32_t wildcard = position_of(host.substr(host.size() - size));
        if (wildcard == none) continue;
        if (const std::uint32_t found = look(hosts_[wildcard].paths); found != none) return found;
      }
    }
    return look(hosts_[any].paths);
  }

 private:
  static constexpr std::uint32_t any = 0;  // position of the paths of routes without a host

  struct Host {
    NamePool::Name name;
    PathRange paths;
  };

  static std::uint32_t hash(std::string_view name) noexcept { return hash_of(name, 0, 0x20); }
  std::uint32_t position_of(std::string_view name) const noexcept {
    return index_.find(hash(name), [&](std::uint32_t i) noexcept {
      return hosts_[i].name.size == name.size() && http::equal_ignoring_case(names_.view(hosts_[i].name), name);
    });
  }

  NamePool names_;
  std::vector<Host> hosts_;
  std::vector<std::uint32_t> wildcard_lengths_;  // distinct, from long to short
  HashIndex index_;
};

}  // namespace weir::proxy
