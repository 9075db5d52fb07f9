#pragma once
// PooledSource: the upstream streams of one worker, on the connections of its pools. One thread.

#include "core/proxy/upstream/pools.hpp"
#include "core/proxy/upstream_source.hpp"

namespace weir::proxy {

class PooledSource final : public UpstreamSource {
 public:
  // Both outlive the source.
  PooledSource(UpstreamPools& pools, UpstreamProtocol& protocol) noexcept : pools_(pools), protocol_(protocol) {}

  UpstreamStream* take_kept(Endpoint& endpoint) noexcept override {
    UpstreamConnection* connection = endpoint.take_idle();
    return connection == nullptr ? nullptr : &protocol_.begin(*connection, true);
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
