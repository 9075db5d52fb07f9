#include "core/proxy/upstream/pools.hpp"

#include "core/reactor/open.hpp"

namespace weir::proxy {

UpstreamPools::UpstreamPools(Reactor& reactor, const Snapshot& snapshot) : store_(reactor) {
  upstreams_.reserve(snapshot.upstreams.size());
  for (const CompiledUpstream& compiled : snapshot.upstreams) {
    upstreams_.push_back(std::make_unique<Upstream>(store_, compiled));
  }
}

UpstreamPools::~UpstreamPools() { WEIR_VERIFY(live() == 0); }

Result<UpstreamConnection*> UpstreamPools::open(Endpoint& endpoint, const Address& address) noexcept {
  UpstreamConnection* connection = endpoint.pool().make();
  connection->endpoint = &endpoint;
  if (const Error error = open_stream(store_.reactor.backend(), connection->stream.handle(), address)) {
    endpoint.pool().discard(*connection);
    return std::unexpected(error);
  }
  return connection;
}

bool UpstreamPools::give_up_one() noexcept {
  for (const auto& upstream : upstreams_) {
    for (const auto& endpoint : upstream->endpoints()) {
      if (endpoint->pool().close_oldest()) return true;
    }
  }
  return false;
}

void UpstreamPools::close_idle() noexcept {
  store_.closing = true;
  for (const auto& upstream : upstreams_) {
    for (const auto& endpoint : upstream->endpoints()) endpoint->pool().close_all();
  }
}

}  // namespace weir::proxy
