#pragma once
// Backend: everything a reactor asks of an operating system, or of the simulator. Owned and called by one thread; only
// wake() may be called from any, and spawn() by the reactor's SpawnThread. The contract, each line a conformance test:
//
//   1. A submitted op completes exactly once: as `done` from submit, or through wait, never both.
//   2. submit, cancel, close and wake never run user code. Only the reactor calls Op::complete, from its run queue.
//   3. From submit to completion the op, its buffers and its handle stay put.
//   4. One op per direction per handle.
//   5. cancel ends the op soon (within one wait): as cancelled, or with its real result if that came first.
//   6. close has no op in flight. A stream closes as shutdown, cancel, drain, close.
//   7. An event for an earlier generation of a reused descriptor is dropped and counted.
//   8. wait does not return before its deadline unless something completed or wake was called; it may be late by the
//      clock's resolution.
//   9. wake comes from any thread, coalesces, and is never lost between check and sleep.
//  10. Zero bytes without error is the end of the stream; an error beats bytes only when bytes is zero.
//  11. A refusal comes at open, attach or submit as not_supported with a rule id. Nothing is emulated by a hidden thread.
//  12. Same seed, same trace (simulated backend).
//
// To add a backend: derive from Backend, or from ReadinessBackend (two functions) where the system reports readiness;
// add a line to registry.cpp and rows to restrictions.cpp; run the conformance suite.

#include <cstdint>

#include "core/base/error.hpp"
#include "core/base/intrusive_list.hpp"
#include "core/base/time.hpp"
#include "core/reactor/capabilities.hpp"
#include "core/reactor/child.hpp"
#include "core/reactor/handle.hpp"
#include "core/reactor/op.hpp"

namespace weir {

enum class Submit : std::uint8_t { pending, done };

// What open() is to make of a Handle.
struct OpenSpec {
  enum class What : std::uint8_t {
    listener,  // create, set options, bind to `address`, listen
    stream,    // an unconnected stream of address.family
    adopt,     // take over `native`, whose kind is found out (a regular file is refused); ownership passes
  };
  What what = What::stream;
  Address address;
  NativeHandle native = no_native_handle;
  static constexpr std::uint16_t default_backlog = 4096;
  std::uint16_t backlog = default_backlog;
  // Several listeners share the address and the kernel balances. The first of a named pipe is opened without it, which
  // fails if another process has one of that name.
  bool reuse_port = false;
  bool v6_only = true;
  std::uint16_t unix_mode = 0;  // permissions of a unix socket's file, 0: as the umask says
};

struct BackendCounters {
  std::uint64_t waits = 0;         // calls of the system's wait function
  std::uint64_t stale_events = 0;  // dropped because of their generation
};

class Backend {
 public:
  Backend() noexcept = default;
  Backend(const Backend&) = delete;
  Backend& operator=(const Backend&) = delete;
  virtual ~Backend() = default;  // precondition: nothing in flight, every handle closed

  virtual const Capabilities& capabilities() const noexcept = 0;
  virtual TimePoint now() const noexcept = 0;   // the only clock that core/ reads
  virtual WallTime wall_time() const noexcept = 0;
  virtual const BackendCounters& counters() const noexcept = 0;

  virtual Error open(Handle& handle, const OpenSpec& spec) noexcept = 0;
  // Joins this backend; once per handle. What was accepted may join another than its listener's, but for a pipe_stream.
  virtual Error attach(Handle& handle) noexcept = 0;
  // A pipe_stream has no half close: nothing happens, its peer learns of the end by the close.
  virtual void shutdown(Handle& handle, Direction direction) noexcept = 0;
  virtual void abort_on_close(Handle& handle) noexcept = 0;         // the close that follows resets the connection
  virtual void close(Handle& handle) noexcept = 0;                  // no op in flight; the handle can be opened again

  // Starts a process. On success `child` and the wanted ends of its pipes are open and not attached; on failure nothing
  // is, a program that does not exist included (Errc::not_found). No descriptor leaks into the child. Beside the thread
  // that owns the backend, one other may call it: it touches nothing but its arguments and what never changes.
  virtual Error spawn(ChildProcess& child, const SpawnSpec& spec) noexcept = 0;
  // Ends the child and everything it started that did not leave its group, at once. Harmless when they have ended. The
  // exit is still awaited: a child is closed only after its wait_child has completed.
  virtual void kill_tree(ChildProcess& child) noexcept = 0;

  virtual Submit submit(Op& op) noexcept = 0;   // done: the result is in the op, and it is idle
  virtual void cancel(Op& op) noexcept = 0;     // op is in flight; the completion still arrives by wait

  // Blocks until the deadline, a completion or a wake; appends completed ops (state ready) and calls nothing.
  virtual void wait(TimePoint deadline, Queue<Op>& ready) noexcept = 0;
  virtual void wake() noexcept = 0;             // any thread

  // Set once the backend is unusable because its wait descriptor was lost. Every op in flight has ended with this
  // error, and so does every one that would have to wait; a wait only sleeps. The owner of the loop ends everything.
  Error failure() const noexcept { return failure_; }

 protected:
  Error failure_{};
};

}  // namespace weir
