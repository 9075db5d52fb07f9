#include "core/proxy/upstream/pools.hpp"

#include "core/reactor/open.hpp"

namespace weir::proxy {

Upstreams UpstreamPools::make(const Snapshot& snapshot) {
  Upstreams upstreams;
  upstreams.reserve(snapshot.upstreams.size());
  std::vector<EndpointMemory*> memories;
  for (const CompiledUpstream& compiled : snapshot.upstreams) {
    memories.clear();
    std::unordered_map<std::string_view, std::size_t> seen;  // an endpoint may be listed more than once
    for (const CompiledEndpoint& endpoint : compiled.endpoints) {
      memories.push_back(memory_of(*compiled.spec, *endpoint.spec, seen[endpoint.spec->text]++));
    }
    upstreams.push_back(std::make_unique<Upstream>(compiled, memories));
  }
  forget_unused();
  return upstreams;
}

EndpointMemory* UpstreamPools::memory_of(const UpstreamSpec& upstream, const EndpointSpec& endpoint, std::size_t which) {
  const std::string key = upstream.name + '\n' + endpoint.text + '\n' + std::to_string(which);
  std::unique_ptr<EndpointMemory>& memory = memories_[key];
  if (!memory) memory = std::make_unique<EndpointMemory>(store_);
  return memory.get();
}

// Of endpoints that went with an earlier snapshot: the last of their connections may have ended since.
void UpstreamPools::forget_unused() noexcept {
  std::erase_if(memories_, [](const auto& entry) { return entry.second->unused(); });
}

UpstreamPools::~UpstreamPools() { WEIR_VERIFY(live() == 0); }

Result<UpstreamConnection*> UpstreamPools::open(Endpoint& endpoint, const Address& address) noexcept {
  UpstreamConnection* connection = endpoint.pool().make();
  connection->endpoint = &endpoint.memory();
  if (const Error error = open_stream(store_.reactor.backend(), connection->stream.handle(), address)) {
    endpoint.pool().discard(*connection);
    return std::unexpected(error);
  }
  return connection;
}

bool UpstreamPools::give_up_one() noexcept {
  for (const auto& [key, memory] : memories_)
    if (memory->pool.close_oldest()) return true;
  return false;
}

void UpstreamPools::close_idle() noexcept {
  store_.closing = true;
  for (const auto& [key, memory] : memories_) memory->pool.close_all();
}

}  // namespace weir::proxy
