#pragma once
// SimBackend: one more backend, not a mock. It is a simulated process: descriptors with a limit, a clock with a
// resolution, a platform whose rules decide what is refused, and sockets of its SimWorld's network. It is the strictest
// backend: misuse (a second op in one direction, closing with an op in flight, an op or handle that moved, use after
// close) aborts. One thread, wake() excepted. It never looks at a real clock and starts no thread.

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <vector>

#include "core/reactor/backend.hpp"
#include "tests/sim/backend/sim_profile.hpp"
#include "tests/sim/backend/sim_world.hpp"

namespace weir::sim {

struct Object;
enum class ObjectKind : std::uint8_t;

class SimBackend final : public Backend {
 public:
  SimBackend(SimWorld& world, const SimProfile& profile);
  ~SimBackend() override;

  const Capabilities& capabilities() const noexcept override { return capabilities_; }
  TimePoint now() const noexcept override;
  WallTime wall_time() const noexcept override;
  const BackendCounters& counters() const noexcept override { return counters_; }
  Error open(Handle& handle, const OpenSpec& spec) noexcept override;
  Error attach(Handle& handle) noexcept override;
  void shutdown(Handle& handle, Direction direction) noexcept override;
  void abort_on_close(Handle& handle) noexcept override;
  void close(Handle& handle) noexcept override;
  Error spawn(ChildProcess& child, const SpawnSpec& spec) noexcept override;
  void kill_tree(ChildProcess& child) noexcept override;
  Submit submit(Op& op) noexcept override;
  void cancel(Op& op) noexcept override;
  void wait(TimePoint deadline, Queue<Op>& ready) noexcept override;
  void wake() noexcept override;

  // --- beyond the interface, for tests ---
  SimWorld& world() noexcept { return world_; }
  const SimProfile& profile() const noexcept { return profile_; }
  std::uint32_t id() const noexcept { return id_; }
  Address host() const noexcept;                               // this process's address, 10.0.x.y, with port 0
  Address local_address(const Handle& handle) const noexcept;  // a listener opened on port 0 learns its port here
  Address peer_address(const Handle& handle) const noexcept;
  std::size_t open_handles() const noexcept { return open_handles_; }
  std::size_t attached() const noexcept { return attached_; }
  std::size_t ops_in_flight() const noexcept { return in_flight_; }
  void set_max_descriptors(std::uint32_t limit) noexcept { profile_.max_descriptors = limit; }

  // Things for OpenSpec::adopt. Each counts as an open descriptor of this process until a handle that took it over is
  // closed, or discard().
  struct Pair {
    NativeHandle first, second;
  };
  Pair make_pipe(bool overlapped = true);  // read end, write end; as IOCP needs them, or plain ones
  Pair make_socket_pair();                 // connected to each other
  Pair make_char_device();                 // the device, and what a person at the terminal holds (adopts as a socket)
  Pair make_foreign();                     // a descriptor with another owner for watch_*, and its other end (a socket)
  NativeHandle make_regular_file();
  void discard(NativeHandle native);

 private:
  friend class SimWorld;
  friend class SimNetwork;
  friend class SimChildren;
  struct Slot {
    Handle* handle = nullptr;
    std::uint32_t generation = 0;
  };
  struct Fired {
    std::uint32_t slot, generation;
    Direction direction;
  };

  Object& object_of(const Handle& handle) const noexcept;
  void check_misuse(const Op& op) const noexcept;
  Error refusal(const Op& op) const noexcept;
  Error open_listener(Handle& handle, const OpenSpec& spec) noexcept;
  Error open_stream(Handle& handle, const OpenSpec& spec) noexcept;
  Error adopt(Handle& handle, NativeHandle native) noexcept;
  bool out_of_descriptors() const noexcept;
  void take(Handle& handle, Object& object) noexcept;
  Pair make_pair_of(ObjectKind first_kind, ObjectKind second_kind);
  void take_pipe(Handle* ours, Object*& childs, bool child_reads, std::uint32_t process) noexcept;

  bool attempt(Op& op) noexcept;  // true: the result is in
  bool attempt_accept(Op& op) noexcept;
  bool attempt_connect(Op& op) noexcept;
  bool attempt_receive(Op& op) noexcept;
  bool attempt_send(Op& op) noexcept;
  bool attempt_watch(Op& op) noexcept;
  bool attempt_wait_child(Op& op) noexcept;

  // The network says that this direction of this object may go on.
  void fire(Object& object, Direction direction) noexcept;
  void retry(const Fired& fired) noexcept;
  void complete(Op& op) noexcept;  // unlinks it from its handle and queues it for wait
  bool hand_over(Queue<Op>& ready) noexcept;
  bool has_work() const noexcept;
  TimePoint wakes_at(TimePoint deadline) const noexcept;  // by the resolution of this clock

  SimWorld& world_;
  SimProfile profile_;
  Capabilities capabilities_;
  BackendCounters counters_;
  std::uint32_t id_;
  std::vector<Slot> slots_;
  std::vector<std::uint32_t> free_slots_;
  std::vector<Fired> fired_;
  std::vector<Op*> completed_;
  std::size_t open_handles_ = 0;
  std::size_t attached_ = 0;
  std::size_t in_flight_ = 0;
  std::uint64_t next_serial_ = 1;
  TimePoint sleeping_until_{};  // driven: what the last wait asked for
  std::atomic<bool> woken_{false};  // written under the mutex
  std::mutex waking_;
  std::condition_variable was_woken_;
};

}  // namespace weir::sim
