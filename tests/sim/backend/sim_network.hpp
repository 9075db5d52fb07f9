#pragma once
// SimNetwork: what lies behind the descriptors of a SimWorld: listeners with backlogs, connections made of two byte
// channels with bounded windows, latency and faults, pipes and devices. Tests may break connections through it; all the
// rest is for SimBackend. It tells a backend through SimBackend::fire that something may go on. One thread.

#include <deque>
#include <memory>
#include <string>
#include <vector>

#include "core/base/buffer.hpp"
#include "core/base/error.hpp"
#include "core/reactor/handle.hpp"
#include "core/reactor/op.hpp"
#include "tests/sim/backend/sim_world.hpp"

namespace weir::sim {

struct Object;

// Bytes in one direction. Positions count from the connection's start: read <= delivered <= written.
struct Channel {
  struct Segment {
    TimePoint at;
    std::uint64_t end;  // position; of the last segment with `fin` it is that of the one before
    bool fin;
  };
  std::string bytes;  // from position `read` on (less what was not yet trimmed)
  std::size_t trimmed = 0;
  std::uint64_t read = 0, delivered = 0, written = 0;
  std::deque<Segment> flight;
  std::size_t window = 64 * 1024;
  bool event_pending = false;
  bool fin_sent = false, fin_delivered = false;
  bool writer_waits = false, update_pending = false;
  bool trickles = false;
  std::uint32_t small_left = 0;  // this many more segments are tiny

  std::size_t readable() const noexcept { return static_cast<std::size_t>(delivered - read); }
  std::size_t room() const noexcept {
    const std::uint64_t held = written - read;
    return held >= window ? 0 : window - static_cast<std::size_t>(held);
  }
};

// Two channels: channel[s] carries what side s sends. Side 0 connected, side 1 was accepted.
struct Connection {
  std::uint64_t id = 0;
  std::uint32_t backend[2] = {0, 0};
  FaultPlan plan;
  Channel channel[2];
  Object* end[2] = {nullptr, nullptr};  // null: not accepted yet, or closed
  bool closed[2] = {false, false};
  Errc error[2] = {Errc::ok, Errc::ok};
  bool error_taken[2] = {false, false};
  bool local = false;  // pipes and pairs: no latency, no faults
  bool vanished = false;
  bool sticky_error = false;  // else the first call takes a reset away, as on Linux
  bool reset_drops_unread = false;
  std::uint64_t carried = 0;                                    // bytes delivered in both directions
  std::uint64_t reset_at = UINT64_MAX, vanish_at = UINT64_MAX;  // positions in `carried`
  TimePoint clogged_until{};
  Address address[2];
};
using ConnectionPtr = std::shared_ptr<Connection>;

enum class ObjectKind : std::uint8_t { listener, stream, pipe, char_device, regular_file, foreign, child };

// What a NativeHandle stands for.
struct Object {
  NativeHandle native = no_native_handle;
  ObjectKind kind = ObjectKind::stream;
  SimBackend* owner = nullptr;  // whose descriptor it is
  SimBackend* attached = nullptr;
  std::uint32_t slot = 0, generation = 0;
  bool taken = false;      // a Handle has it
  bool overlapped = true;  // pipes: as IOCP needs them
  bool abort = false;
  std::uint32_t process = 0;  // the simulated child whose end of a pipe this is, or that this is; 0: of no child

  enum class State : std::uint8_t { fresh, connecting, connected, failed };
  State state = State::fresh;  // streams
  Errc connect_error = Errc::ok;
  bool connect_taken = false;  // the result was handed out
  ConnectionPtr connection;
  int side = 0;
  bool shut_in = false, shut_out = false;
  Family family = Family::none;

  Address bound;     // listeners
  std::string path;  // that bound.path views
  std::uint16_t backlog_limit = 0;
  bool reuse_port = false, v6_only = true;
  std::deque<ConnectionPtr> backlog;

  Channel& incoming() const noexcept { return connection->channel[1 - side]; }
  Channel& outgoing() const noexcept { return connection->channel[side]; }
};

class SimNetwork {
 public:
  explicit SimNetwork(SimWorld& world) noexcept : world_(world) {}

  // --- for tests: acts on every live connection from one backend to another (0: any) ---
  void reset_connections(std::uint32_t from, std::uint32_t to);
  void vanish_connections(std::uint32_t from, std::uint32_t to);
  void clog_connections(std::uint32_t from, std::uint32_t to, Duration span);
  std::size_t live_connections();
  std::size_t bytes_held();  // in all channels: on the way or not read

  // --- for SimBackend ---
  Object& add(ObjectKind kind, SimBackend& owner);
  Object& get(NativeHandle native) noexcept;
  void remove(Object& object);  // closes its end and frees the number
  std::size_t objects() const noexcept { return live_objects_; }

  Error bind(Object& listener, const Address& address);
  void connect(Object& object, const Address& to);
  ConnectionPtr take_pending(Object& listener);  // null: none waits
  void establish(Object& object, const ConnectionPtr& connection, int side);
  void join_pair(Object& first, Object& second);

  enum class Io : std::uint8_t { moved, would_block, failed };
  struct IoResult {
    Io what;
    std::size_t bytes;
    Errc error;
  };
  IoResult read(Object& object, char* into, std::size_t size);
  IoResult write(Object& object, const IoSlice* slices, std::uint32_t count);
  bool readable(const Object& object) const noexcept;
  bool writable(const Object& object) noexcept;
  void shutdown_out(Object& object);

 private:
  Object* find_listener(std::uint32_t from, const Address& to);
  void syn_arrives(const ConnectionPtr& connection, const Address& to, int attempt);
  void end_connect(const ConnectionPtr& connection, Errc error);
  void queue_segment(const ConnectionPtr& connection, int side, std::uint64_t end, bool fin);
  void schedule_delivery(const ConnectionPtr& connection, int side);
  void deliver(const ConnectionPtr& connection, int side);
  bool deliver_segment(const ConnectionPtr& connection, int side, const Channel::Segment& segment);
  void send_reset(const ConnectionPtr& connection, int to_side, TimePoint at);
  void reset_arrives(const ConnectionPtr& connection, int side);
  void close_end(Object& object);
  void update_window(const ConnectionPtr& connection, int side);
  void fire(Object* object, Direction direction);
  Duration latency(const Connection& connection);
  IoResult take_error(Connection& connection, int side, bool reading);
  template <class Visit>
  void each(std::uint32_t from, std::uint32_t to, Visit&& visit);

  SimWorld& world_;
  std::vector<std::unique_ptr<Object>> objects_;  // by native number
  std::vector<std::weak_ptr<Connection>> connections_;
  std::size_t live_objects_ = 0;
  std::uint64_t next_connection_ = 1;
  std::uint16_t next_port_ = 30'000;
};

}  // namespace weir::sim
