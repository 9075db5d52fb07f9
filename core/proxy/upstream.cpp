#include "core/proxy/upstream.hpp"

namespace weir::proxy {

UpstreamConnection::UpstreamConnection(Reactor& reactor, Endpoint& owner) noexcept
    : Timer([](Timer& timer) noexcept {
        auto& connection = static_cast<UpstreamConnection&>(timer);
        connection.endpoint.retire(connection);
      }),
      stream(reactor),
      endpoint(owner) {}

UpstreamConnection* Endpoint::take_idle() noexcept {
  UpstreamConnection* connection = pool_.pop_front();
  if (!connection) return nullptr;
  --idle_count_;
  --pools_.idle_;
  pools_.reactor_.timers().disarm(*connection);
  connection->stream.set_notice(nullptr);
  connection->reused = true;
  return connection;
}

void Endpoint::give_back(UpstreamConnection& connection, bool reusable) noexcept {
  Stream& stream = connection.stream;
  const bool keep = reusable && stream.input().empty() && !pools_.closing_ && idle_count_ < upstream_.max_idle;
  if (!keep) return retire(connection);
  stream.input().reset();
  stream.arm();
  if (stream.has_result()) return retire(connection);  // closed by its server, or bytes that belong to nothing
  stream.set_notice(&Endpoint::idle_event);
  pool_.push_front(connection);
  ++idle_count_;
  ++pools_.idle_;
  pools_.reactor_.timers().arm(connection, pools_.reactor_.now() + upstream_.idle_timeout);
}

void Endpoint::retire(UpstreamConnection& connection) noexcept {
  if (static_cast<ListLink<UpstreamConnection>&>(connection).linked()) {
    List<UpstreamConnection, UpstreamConnection>::erase(connection);
    --idle_count_;
    --pools_.idle_;
  }
  pools_.reactor_.timers().disarm(connection);
  if (connection.stream.armed()) {
    connection.retiring = true;
    connection.stream.set_notice(&Endpoint::idle_event);
    connection.stream.cancel(Direction::in);
    return;
  }
  connection.stream.close_now();
  pools_.connections_.destroy(&connection);
}

// The receive of an idle or retiring connection has ended: whatever it brought, the connection is of no use any more.
void Endpoint::idle_event(Stream& stream) noexcept {
  auto* connection = static_cast<UpstreamConnection*>(stream.owner());
  connection->endpoint.retire(*connection);
}

Upstream::Upstream(UpstreamPools& pools, const UpstreamSpec& spec,
                   std::span<const std::shared_ptr<const EndpointState>> states)
    : spec_(spec), checked_(!states.empty()) {
  WEIR_ASSERT(states.empty() || states.size() == spec.endpoints.size());
  endpoints_.reserve(spec.endpoints.size());
  for (std::size_t i = 0; i < spec.endpoints.size(); ++i) {
    const EndpointState* state = states.empty() ? nullptr : states[i].get();
    endpoints_.push_back(std::make_unique<Endpoint>(pools, spec.endpoints[i], spec, state));
  }
}

template <bool checked>
Endpoint* Upstream::choose(std::uint64_t skip) noexcept {
  if (!checked && endpoints_.size() == 1 && skip == 0) return spec_.endpoints[0].weight ? endpoints_[0].get() : nullptr;
  // Smooth weighted round robin: everybody gains its weight, the richest is taken and pays the sum.
  Endpoint* best = nullptr;
  std::int64_t sum = 0;
  for (std::size_t i = 0; i < endpoints_.size(); ++i) {
    Endpoint& candidate = *endpoints_[i];
    if (candidate.spec_.weight == 0 || (i < 64 && (skip >> i & 1))) continue;
    if (checked && !candidate.state_->is_up()) continue;
    candidate.current_weight_ += candidate.spec_.weight;
    sum += candidate.spec_.weight;
    if (!best || candidate.current_weight_ > best->current_weight_) best = &candidate;
  }
  if (best) best->current_weight_ -= sum;
  return best;
}

template Endpoint* Upstream::choose<true>(std::uint64_t) noexcept;
template Endpoint* Upstream::choose<false>(std::uint64_t) noexcept;

bool Upstream::lacks_health() const noexcept {
  bool weighty = false;
  for (const auto& endpoint : endpoints_) {
    if (endpoint->spec_.weight == 0) continue;
    weighty = true;
    if (!checked_ || endpoint->state_->is_up()) return false;
  }
  return weighty;
}

std::size_t Upstream::index_of(const Endpoint& endpoint) const noexcept {
  return static_cast<std::size_t>(&endpoint.spec_ - spec_.endpoints.data());
}

UpstreamPools::UpstreamPools(Reactor& reactor, const Snapshot& snapshot) : reactor_(reactor) {
  const std::vector<UpstreamSpec>& specs = snapshot.spec->upstreams;
  upstreams_.reserve(specs.size());
  for (std::size_t i = 0; i < specs.size(); ++i) {
    upstreams_.push_back(std::make_unique<Upstream>(*this, specs[i], snapshot.endpoint_states[i]));
  }
}

UpstreamPools::~UpstreamPools() { WEIR_VERIFY(live() == 0); }

Result<UpstreamConnection*> UpstreamPools::open(Endpoint& endpoint, const Address& address) noexcept {
  UpstreamConnection* connection = connections_.make(reactor_, endpoint);
  connection->stream.set_owner(connection);
  OpenSpec spec;
  spec.what = OpenSpec::What::stream;
  spec.address = address;
  Handle& handle = connection->stream.handle();
  Error error = reactor_.backend().open(handle, spec);
  if (!error) {
    error = reactor_.backend().attach(handle);
    if (error) reactor_.backend().close(handle);
  }
  if (error) {
    connections_.destroy(connection);
    return std::unexpected(error);
  }
  return connection;
}

bool UpstreamPools::give_up_one() noexcept {
  for (auto& upstream : upstreams_) {
    for (auto& endpoint : upstream->endpoints_) {
      if (endpoint->pool_.empty()) continue;
      endpoint->retire(endpoint->pool_.back());
      return true;
    }
  }
  return false;
}

void UpstreamPools::close_idle() noexcept {
  closing_ = true;
  for (auto& upstream : upstreams_)
    for (auto& endpoint : upstream->endpoints_)
      endpoint->pool_.for_each([&](UpstreamConnection& connection) { endpoint->retire(connection); });
}

}  // namespace weir::proxy
