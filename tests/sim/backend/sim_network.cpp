#include "tests/sim/backend/sim_network.hpp"

#include <algorithm>

#include "core/base/assert.hpp"
#include "tests/sim/backend/sim_backend.hpp"
#include "tests/sim/backend/sim_children.hpp"

namespace weir::sim {
namespace {

constexpr int max_syn_attempts = 6;
constexpr Duration syn_interval{1'000'000'000};

bool is_wildcard(const Address& address) noexcept {
  return address.has_port() &&
         std::all_of(address.ip.begin(), address.ip.end(), [](std::uint8_t byte) { return byte == 0; });
}

bool is_loopback(const Address& address) noexcept {
  if (address.family == Family::ipv4) return address.ip[0] == 127;
  return address.family == Family::ipv6 && address.ip[15] == 1 &&
         std::all_of(address.ip.begin(), address.ip.end() - 1, [](std::uint8_t byte) { return byte == 0; });
}

// Of a named pipe the first is opened for itself, the others beside it.
bool shares(const Object& first, const Object& next) noexcept {
  return next.reuse_port && (first.reuse_port || next.family == Family::named_pipe);
}

}  // namespace

// --- objects ---

Object& SimNetwork::add(ObjectKind kind, SimBackend& owner) {
  std::size_t number = 0;
  while (number < objects_.size() && objects_[number]) ++number;
  if (number == objects_.size()) objects_.emplace_back();
  objects_[number] = std::make_unique<Object>();
  Object& object = *objects_[number];
  object.native = static_cast<NativeHandle>(number);
  object.kind = kind;
  object.owner = &owner;
  ++live_objects_;
  return object;
}

Object& SimNetwork::get(NativeHandle native) noexcept {
  const auto number = static_cast<std::size_t>(native);
  WEIR_VERIFY(native >= 0 && number < objects_.size() && objects_[number]);
  return *objects_[number];
}

void SimNetwork::remove(Object& object) {
  if (object.connection) close_end(object);
  for (const ConnectionPtr& pending : object.backlog) {  // a closed listener resets who waits in its backlog
    pending->closed[1] = true;
    send_reset(pending, 0, world_.now() + latency(*pending));
  }
  --live_objects_;
  objects_[static_cast<std::size_t>(object.native)].reset();
}

void SimNetwork::join_pair(Object& first, Object& second) {
  auto connection = std::make_shared<Connection>();
  connection->id = next_connection_++;
  connection->local = true;
  connection->sticky_error = true;
  establish(first, connection, 0);
  establish(second, connection, 1);
}

void SimNetwork::establish(Object& object, const ConnectionPtr& connection, int side) {
  object.connection = connection;
  object.side = side;
  object.state = Object::State::connected;
  connection->end[side] = &object;
}

// --- listening and connecting ---

Error SimNetwork::bind(Object& listener, const Address& address) {
  Address wanted = address;
  if (wanted.has_port() && wanted.port == 0) wanted.port = next_port_++;
  for (const auto& other : objects_) {
    if (!other || other.get() == &listener || other->kind != ObjectKind::listener) continue;
    if (other->bound == wanted && other->owner == listener.owner && !shares(*other, listener)) {
      return Errc::address_in_use;
    }
  }
  listener.bound = wanted;
  if (!wanted.has_port()) {
    listener.path = wanted.path;
    listener.bound.path = listener.path;
  }
  return {};
}

// An exact address before a wildcard, the connecting process before others; the kernel balances what is equal.
Object* SimNetwork::find_listener(std::uint32_t from, const Address& to) {
  std::vector<Object*> best;
  int best_rank = 0;
  for (const auto& object : objects_) {
    if (!object || object->kind != ObjectKind::listener) continue;
    const Address& bound = object->bound;
    const bool same_process = object->owner->id() == from;
    int rank = 0;
    if (bound == to) {
      rank = 4 + same_process;
    } else if (to.has_port() && bound.port == to.port && is_wildcard(bound)) {
      const bool family = bound.family == to.family || (bound.family == Family::ipv6 && !object->v6_only);
      const bool host = to.ip == object->owner->host().ip || is_loopback(to) || is_wildcard(to);
      if (family && host) rank = 1 + same_process;
    }
    if (rank == 0 || rank < best_rank) continue;
    if (rank > best_rank) best.clear();
    best_rank = rank;
    best.push_back(object.get());
  }
  if (best.empty()) return nullptr;
  return best.size() == 1 ? best.front() : best[world_.rng().below(best.size())];
}

void SimNetwork::connect(Object& object, const Address& to) {
  WEIR_VERIFY(object.state == Object::State::fresh);
  Rng& rng = world_.rng();
  auto connection = std::make_shared<Connection>();
  connection->id = next_connection_++;
  connection->backend[0] = object.owner->id();
  connection->address[0] = object.owner->host();
  if (!to.has_port()) {
    connection->address[0] = {};
    connection->address[0].family = to.family;
  } else {
    connection->address[0].port = next_port_ < 60'000 ? next_port_++ : next_port_ = 30'000;
  }
  connection->address[1] = to;
  establish(object, connection, 0);
  object.state = Object::State::connecting;
  connections_.push_back(connection);

  // The path is a view that its owner keeps for as long as the operation only.
  std::string path(to.path);
  Object* listener = find_listener(object.owner->id(), to);
  connection->backend[1] = listener ? listener->owner->id() : 0;
  connection->plan = world_.faults(connection->backend[0], connection->backend[1]);
  const FaultPlan& plan = connection->plan;
  const Duration there = latency(*connection);
  connection->sticky_error = rng.chance(0.5);
  connection->reset_drops_unread = rng.chance(0.5);
  if (rng.chance(plan.hang)) return;
  if (rng.chance(plan.refuse) || rng.chance(plan.unreachable)) {
    const Errc why =
        rng.chance(plan.refuse / (plan.refuse + plan.unreachable)) ? Errc::connection_refused : Errc::host_unreachable;
    world_.at(world_.now() + there, [this, connection, why] { end_connect(connection, why); });
    return;
  }
  if (rng.chance(plan.reset)) connection->reset_at = rng.below(plan.fault_within);
  if (rng.chance(plan.vanish)) connection->vanish_at = rng.below(plan.fault_within);
  for (Channel& channel : connection->channel) {
    channel.window = static_cast<std::size_t>(rng.between(plan.window_min, plan.window_max));
    channel.trickles = rng.chance(plan.trickle);
    channel.small_left = rng.chance(plan.small_segments) ? 200 : 0;
  }
  world_.at(world_.now() + there, [this, connection, to, path = std::move(path)] {
    Address target = to;
    target.path = path;
    syn_arrives(connection, target, 0);
  });
}

void SimNetwork::syn_arrives(const ConnectionPtr& connection, const Address& to, int attempt) {
  if (connection->closed[0] || connection->vanished) return;
  Object* listener = find_listener(connection->backend[0], to);
  const TimePoint back = world_.now() + latency(*connection);
  if (!listener) {
    world_.at(back, [this, connection] { end_connect(connection, Errc::connection_refused); });
    return;
  }
  if (listener->backlog.size() >= listener->backlog_limit) {  // dropped; the client's system tries again
    if (attempt + 1 == max_syn_attempts) return end_connect(connection, Errc::timed_out);
    std::string path(to.path);
    world_.at(world_.now() + Duration{syn_interval.count() << attempt},
              [this, connection, to, attempt, path = std::move(path)] {
                Address target = to;
                target.path = path;
                syn_arrives(connection, target, attempt + 1);
              });
    return;
  }
  connection->backend[1] = listener->owner->id();
  listener->backlog.push_back(connection);
  fire(listener, Direction::in);
  world_.at(back, [this, connection] { end_connect(connection, Errc::ok); });
}

void SimNetwork::end_connect(const ConnectionPtr& connection, Errc error) {
  Object* object = connection->end[0];
  if (!object || object->state != Object::State::connecting) return;
  if (connection->vanished) return;
  object->state = error == Errc::ok ? Object::State::connected : Object::State::failed;
  object->connect_error = error;
  world_.trace(TraceKind::network, connection->backend[0], connection->id, static_cast<std::uint64_t>(error));
  fire(object, Direction::both);
}

ConnectionPtr SimNetwork::take_pending(Object& listener) {
  if (listener.backlog.empty()) return nullptr;
  ConnectionPtr connection = std::move(listener.backlog.front());
  listener.backlog.pop_front();
  return connection;
}

// --- bytes ---

SimNetwork::IoResult SimNetwork::take_error(Connection& connection, int side, bool reading) {
  Errc error = connection.error[side];
  if (connection.error_taken[side] && !connection.sticky_error) {
    if (reading) return {Io::moved, 0, Errc::ok};  // as Linux: after the error a plain end of the stream
    error = Errc::broken_pipe;
  }
  connection.error_taken[side] = true;
  return {Io::failed, 0, error};
}

SimNetwork::IoResult SimNetwork::read(Object& object, char* into, std::size_t size) {
  Connection& connection = *object.connection;
  Channel& channel = object.incoming();
  const std::size_t readable = channel.readable();
  if (readable == 0) {
    if (connection.error[object.side] != Errc::ok) return take_error(connection, object.side, true);
    if (channel.fin_delivered || object.shut_in) return {Io::moved, 0, Errc::ok};
    return {Io::would_block, 0, Errc::ok};
  }
  std::size_t amount = std::min(readable, size);
  Rng& rng = world_.rng();
  if (amount > 1 && rng.chance(connection.plan.partial_read)) amount = 1 + rng.below(amount);
  std::copy_n(channel.bytes.data() + channel.trimmed, amount, into);
  channel.read += amount;
  world_.moved_ += amount;
  channel.trimmed += amount;
  if (channel.trimmed > 4096 && channel.trimmed * 2 > channel.bytes.size()) {
    channel.bytes.erase(0, channel.trimmed);
    channel.trimmed = 0;
  }
  if (channel.writer_waits) update_window(object.connection, 1 - object.side);
  return {Io::moved, amount, Errc::ok};
}

SimNetwork::IoResult SimNetwork::write(Object& object, const IoSlice* slices, std::uint32_t count) {
  Connection& connection = *object.connection;
  Channel& channel = object.outgoing();
  if (connection.error[object.side] != Errc::ok) return take_error(connection, object.side, false);
  if (object.shut_out) return {Io::failed, 0, Errc::broken_pipe};
  std::size_t room = channel.room();
  if (room == 0) {
    channel.writer_waits = true;
    return {Io::would_block, 0, Errc::ok};
  }
  std::size_t wanted = 0;
  for (std::uint32_t i = 0; i < count; ++i) wanted += slices[i].size;
  Rng& rng = world_.rng();
  room = std::min(room, wanted);
  if (room > 1 && rng.chance(connection.plan.partial_write)) room = 1 + rng.below(room);
  std::size_t left = room;
  for (std::uint32_t i = 0; i < count && left > 0; ++i) {
    const std::size_t part = std::min(left, slices[i].size);
    channel.bytes.append(slices[i].data, part);
    left -= part;
  }
  if (room < wanted) channel.writer_waits = true;
  world_.moved_ += room;
  const std::uint64_t end = channel.written + room;
  while (channel.written < end) {
    std::uint64_t part = end - channel.written;
    if (channel.small_left > 0) {
      --channel.small_left;
      part = std::min<std::uint64_t>(part, 1 + rng.below(64));
    } else if (channel.trickles) {
      part = std::min<std::uint64_t>(part, 1 + rng.below(512));
    }
    channel.written += part;
    queue_segment(object.connection, object.side, channel.written, false);
  }
  return {Io::moved, room, Errc::ok};
}

bool SimNetwork::readable(const Object& object) const noexcept {
  if (object.state != Object::State::connected) return object.state == Object::State::failed;
  const Channel& channel = object.incoming();
  return channel.readable() > 0 || channel.fin_delivered || object.shut_in ||
         object.connection->error[object.side] != Errc::ok;
}

bool SimNetwork::writable(const Object& object) noexcept {
  if (object.state != Object::State::connected) return object.state == Object::State::failed;
  Channel& channel = object.outgoing();
  const bool now = channel.room() > 0 || object.shut_out || object.connection->error[object.side] != Errc::ok;
  if (!now) channel.writer_waits = true;
  return now;
}

void SimNetwork::shutdown_out(Object& object) {
  if (!object.connection || object.state != Object::State::connected || object.shut_out) return;
  object.shut_out = true;
  Channel& channel = object.outgoing();
  if (channel.fin_sent || object.connection->error[object.side] != Errc::ok) return;
  channel.fin_sent = true;
  queue_segment(object.connection, object.side, channel.written, true);
}

// --- transport ---

Duration SimNetwork::latency(const Connection& connection) {
  if (connection.local) return Duration{0};
  const FaultPlan& plan = connection.plan;
  const auto spread = static_cast<std::uint64_t>(2 * (plan.latency_mean - plan.latency_min).count());
  return plan.latency_min + Duration{spread == 0 ? 0 : static_cast<std::int64_t>(world_.rng().below(spread))};
}

void SimNetwork::queue_segment(const ConnectionPtr& connection, int side, std::uint64_t end, bool fin) {
  Channel& channel = connection->channel[side];
  if (connection->local) {
    deliver_segment(connection, side, {world_.now(), end, fin});
    return;
  }
  TimePoint at = std::max(world_.now() + latency(*connection), connection->clogged_until);
  if (!channel.flight.empty()) {  // the order is kept
    TimePoint behind = channel.flight.back().at;
    if (channel.trickles) behind = behind + Duration{1'000'000};
    at = std::max(at, behind);
  }
  channel.flight.push_back({at, end, fin});
  schedule_delivery(connection, side);
}

void SimNetwork::schedule_delivery(const ConnectionPtr& connection, int side) {
  Channel& channel = connection->channel[side];
  if (channel.event_pending || channel.flight.empty()) return;
  channel.event_pending = true;
  world_.at(std::max(channel.flight.front().at, world_.now()), [this, connection, side] { deliver(connection, side); });
}

void SimNetwork::deliver(const ConnectionPtr& connection, int side) {
  Channel& channel = connection->channel[side];
  channel.event_pending = false;
  while (!channel.flight.empty() && channel.flight.front().at <= world_.now()) {
    if (connection->plan.clog > 0 && !channel.flight.front().fin && world_.rng().chance(connection->plan.clog)) {
      const auto most = static_cast<std::uint64_t>(connection->plan.clog_time.count());
      const TimePoint until = world_.now() + Duration{static_cast<std::int64_t>(1 + world_.rng().below(most + 1))};
      for (Channel::Segment& segment : channel.flight) segment.at = std::max(segment.at, until);
      break;
    }
    const Channel::Segment segment = channel.flight.front();
    channel.flight.pop_front();
    if (!deliver_segment(connection, side, segment)) break;
  }
  schedule_delivery(connection, side);
}

// False when the connection broke.
bool SimNetwork::deliver_segment(const ConnectionPtr& connection, int side, const Channel::Segment& segment) {
  Channel& channel = connection->channel[side];
  const int reader = 1 - side;
  if (connection->vanished) return false;
  const std::uint64_t amount = segment.end - channel.delivered;
  connection->carried += amount;
  if (connection->carried > connection->vanish_at) {
    connection->vanished = true;
    world_.trace(TraceKind::network, connection->backend[0], connection->id, 1001);
    return false;
  }
  if (connection->carried > connection->reset_at) {
    world_.trace(TraceKind::network, connection->backend[0], connection->id, 1002);
    // Part of the segment still gets through.
    channel.delivered += std::min(amount, amount - std::min(amount, connection->carried - connection->reset_at));
    connection->reset_at = UINT64_MAX;
    reset_arrives(connection, reader);
    reset_arrives(connection, side);
    return false;
  }
  if (connection->closed[reader]) {  // the other end is gone
    if (segment.fin) return true;
    channel.flight.clear();
    send_reset(connection, side, world_.now() + latency(*connection));
    return false;
  }
  channel.delivered = segment.end;
  if (segment.fin) channel.fin_delivered = true;
  world_.trace(TraceKind::network, connection->backend[side], connection->id, segment.end * 2 + segment.fin);
  fire(connection->end[reader], Direction::in);
  return true;
}

void SimNetwork::send_reset(const ConnectionPtr& connection, int to_side, TimePoint at) {
  if (connection->local) return reset_arrives(connection, to_side);
  world_.at(at, [this, connection, to_side] {
    if (!connection->vanished) reset_arrives(connection, to_side);
  });
}

void SimNetwork::reset_arrives(const ConnectionPtr& connection, int side) {
  if (connection->closed[side] || connection->error[side] != Errc::ok) return;
  connection->error[side] = Errc::connection_reset;
  Channel& incoming = connection->channel[1 - side];
  incoming.flight.clear();
  if (connection->reset_drops_unread) {
    const std::size_t lost = incoming.readable();
    incoming.read += lost;
    incoming.trimmed += lost;
  }
  connection->channel[side].flight.clear();
  world_.trace(TraceKind::network, connection->backend[side], connection->id, 1003);
  fire(connection->end[side], Direction::both);
}

void SimNetwork::update_window(const ConnectionPtr& connection, int side) {
  Channel& channel = connection->channel[side];
  if (channel.update_pending) return;
  const auto update = [this, connection, side] {
    Channel& updated = connection->channel[side];
    updated.update_pending = false;
    updated.writer_waits = false;
    if (!connection->vanished) fire(connection->end[side], Direction::out);
  };
  if (connection->local) return update();
  channel.update_pending = true;
  world_.at(world_.now() + latency(*connection), update);
}

// Unread bytes, or a wish to abort, make a reset of the close; else what was sent goes out and then the end.
void SimNetwork::close_end(Object& object) {
  const ConnectionPtr connection = object.connection;
  const int side = object.side;
  connection->closed[side] = true;
  connection->end[side] = nullptr;
  if (object.state != Object::State::connected) {
    if (object.state == Object::State::connecting) send_reset(connection, 1, world_.now() + latency(*connection));
    return;
  }
  if (connection->error[side] != Errc::ok) return;
  Channel& outgoing = object.outgoing();
  if (object.kind == ObjectKind::pipe) {
    if (side == 0) {
      connection->error[1] = Errc::broken_pipe;
      fire(connection->end[1], Direction::out);
      return;
    }
  } else if (object.abort || (object.incoming().readable() > 0 && object.family != Family::named_pipe)) {
    TimePoint at = world_.now() + latency(*connection);
    if (object.abort || world_.rng().chance(0.5)) {
      outgoing.flight.clear();
    } else if (!outgoing.flight.empty()) {
      at = std::max(at, outgoing.flight.back().at);
    }
    send_reset(connection, 1 - side, at);
    return;
  }
  if (outgoing.fin_sent) return;
  outgoing.fin_sent = true;
  queue_segment(connection, side, outgoing.written, true);
}

void SimNetwork::fire(Object* object, Direction direction) {
  if (!object) return;
  if (object->attached) object->attached->fire(*object, direction);
  if (object->process != 0 && object->kind == ObjectKind::pipe) world_.children().stir(object->process);
}

// --- for tests ---

template <class Visit>
void SimNetwork::each(std::uint32_t from, std::uint32_t to, Visit&& visit) {
  std::erase_if(connections_, [](const auto& weak) { return weak.expired(); });
  const auto all = connections_;
  for (const auto& weak : all) {
    const ConnectionPtr connection = weak.lock();
    if (!connection || (from != 0 && connection->backend[0] != from) || (to != 0 && connection->backend[1] != to)) {
      continue;
    }
    visit(connection);
  }
}

void SimNetwork::reset_connections(std::uint32_t from, std::uint32_t to) {
  each(from, to, [this](const ConnectionPtr& connection) {
    reset_arrives(connection, 0);
    reset_arrives(connection, 1);
  });
}

void SimNetwork::vanish_connections(std::uint32_t from, std::uint32_t to) {
  each(from, to, [](const ConnectionPtr& connection) { connection->vanished = true; });
}

void SimNetwork::clog_connections(std::uint32_t from, std::uint32_t to, Duration span) {
  each(from, to, [this, span](const ConnectionPtr& connection) {
    connection->clogged_until = world_.now() + span;
    for (Channel& channel : connection->channel) {
      for (Channel::Segment& segment : channel.flight) segment.at = std::max(segment.at, world_.now() + span);
    }
  });
}

std::size_t SimNetwork::live_connections() {
  std::size_t live = 0;
  each(0, 0, [&](const ConnectionPtr& connection) { live += !connection->closed[0] || !connection->closed[1]; });
  return live;
}

std::size_t SimNetwork::bytes_held() {
  std::size_t held = 0;
  each(0, 0, [&](const ConnectionPtr& connection) {
    for (const Channel& channel : connection->channel) held += static_cast<std::size_t>(channel.written - channel.read);
  });
  return held;
}

}  // namespace weir::sim
