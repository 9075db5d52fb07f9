#pragma once
// PinnedLinks: the idle upstream connections that belong to one client connection, because it has logged in on them: they
// serve its requests only, and end with it. Owned by the client connection; the worker's thread only.

#include "core/base/intrusive_list.hpp"
#include "core/proxy/upstream_source.hpp"

namespace weir::proxy {

class Upstream;

class PinnedLinks {
 public:
  PinnedLinks() = default;
  PinnedLinks(const PinnedLinks&) = delete;
  PinnedLinks& operator=(const PinnedLinks&) = delete;
  ~PinnedLinks() { close_all(); }

  bool empty() const noexcept { return links_.empty(); }
  // The one to this endpoint, or null.
  UpstreamLink* find(const Endpoint& endpoint) noexcept;
  // To which of the upstream's endpoints there is one; null: to none.
  Endpoint* endpoint_of(const Upstream& upstream) noexcept;

  // By the pool, when a loan ends or begins, or an idle one is closed.
  void add(UpstreamLink& link) noexcept { links_.push_back(link); }
  static void remove(UpstreamLink& link) noexcept { List<UpstreamLink, PinnedLinks>::erase(link); }

  void close_all() noexcept;

 private:
  List<UpstreamLink, PinnedLinks> links_;
};

}  // namespace weir::proxy
