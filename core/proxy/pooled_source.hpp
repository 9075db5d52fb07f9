#pragma once
// PooledSource: the upstream streams of one worker, on the connections of its pools. One thread.

#include "core/proxy/pinned_links.hpp"
#include "core/proxy/upstream/pools.hpp"
#include "core/proxy/upstream_source.hpp"

namespace weir::proxy {

class PooledSource final : public UpstreamSource {
 public:
  // Both outlive the source.
  PooledSource(UpstreamPools& pools, UpstreamProtocol& protocol) noexcept : pools_(pools), protocol_(protocol) {}

  UpstreamStream* take_kept(Endpoint& endpoint, Reuse reuse) noexcept override {
    UpstreamConnection* connection = endpoint.pool().take(reuse);
    return connection == nullptr ? nullptr : &protocol_.begin(*connection, true);
  }
  UpstreamStream* take_pinned(Endpoint& endpoint, PinnedLinks& client) noexcept override {
    UpstreamLink* link = client.find(endpoint);
    if (link == nullptr || !endpoint.pool().take_pinned(static_cast<UpstreamConnection&>(*link))) return nullptr;
    return &protocol_.begin(*link, true);
  }
  Result<UpstreamStream*> open(Endpoint& endpoint, const Address& address) noexcept override {
    const Result<UpstreamConnection*> opened = pools_.open(endpoint, address);
    if (!opened) return std::unexpected(opened.error());
    return &protocol_.begin(**opened, false);
  }
  bool make_room() noexcept override { return pools_.give_up_one(); }

 private:
  UpstreamPools& pools_;
  UpstreamProtocol& protocol_;
};

}  // namespace weir::proxy
