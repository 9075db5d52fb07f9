// iocp: a completion port. The kernel carries the operations out and queues a packet for each that has ended, so
// nothing here asks whether a handle is ready. One port a backend, one thread that takes packets from it. A handle
// joins one port for life: an accepted socket does so at attach, on the loop that is to have it; an accepted pipe is
// the instance that was listened on, so that it stays on its listener's loop. Windows.
#ifdef _WIN32

#include <algorithm>
#include <array>
#include <atomic>

#include "core/backends/iocp_operations.hpp"
#include "core/backends/place.hpp"
#include "core/backends/registry.hpp"
#include "core/platform/child.hpp"
#include "core/platform/clock.hpp"
#include "core/platform/errors.hpp"
#include "core/platform/sockets.hpp"

namespace weir {
namespace {

using iocp::Progress;

// Packets taken by one call. What leased receives bring for so many fits the caches between being received and used.
constexpr std::size_t batch = 32;

bool is_pipe(const Handle& handle) noexcept {
  return handle.kind == HandleKind::pipe || handle.kind == HandleKind::pipe_stream;
}

class IocpBackend final : public Backend {
 public:
  IocpBackend(const Capabilities& capabilities, HANDLE port) noexcept
      : capabilities_(capabilities), port_(port), operations_(port) {}
  ~IocpBackend() override {
    WEIR_ASSERT(attached_ == 0);  // every handle was closed
    ::CloseHandle(port_);
  }

  const Capabilities& capabilities() const noexcept override { return capabilities_; }
  TimePoint now() const noexcept override { return platform::monotonic_now(); }
  WallTime wall_time() const noexcept override { return platform::wall_now(); }
  const BackendCounters& counters() const noexcept override { return counters_; }

  Error open(Handle& handle, const OpenSpec& spec) noexcept override;
  Error attach(Handle& handle) noexcept override;
  void shutdown(Handle& handle, Direction direction) noexcept override { platform::shutdown(handle, direction); }
  void abort_on_close(Handle& handle) noexcept override { platform::abort_on_close(handle); }
  void close(Handle& handle) noexcept override;

  Error spawn(ChildProcess& child, const SpawnSpec& spec) noexcept override;
  void kill_tree(ChildProcess& child) noexcept override { platform::kill_tree(child); }

  Submit submit(Op& op) noexcept override;
  void cancel(Op& op) noexcept override;
  void wait(TimePoint deadline, Queue<Op>& ready) noexcept override;
  void wake() noexcept override;

 private:
  Error refusal(Feature feature) const noexcept {
    const Ruling rule = capabilities_[feature];
    return rule.allowed ? Error{} : refused(rule.rule);
  }
  Error join_port(Handle& handle) noexcept;
  void take_packets(DWORD milliseconds, Queue<Op>& ready) noexcept;
  void handle_packet(Op& op, DWORD bytes, Queue<Op>& ready) noexcept;
  DWORD milliseconds_until(TimePoint deadline) const noexcept;

  Capabilities capabilities_;
  HANDLE port_;
  iocp::Operations operations_;
  std::size_t attached_ = 0;
  Queue<Op> ended_;             // cancelled, and no packet comes for them
  std::size_t cancelling_ = 0;  // cancelled, and their packet has not come
  std::size_t completed_ = 0;   // by the wait that is running
  bool woken_ = false;
  std::atomic<bool> called_{false};  // a packet of wake() is under way
  BackendCounters counters_;
};

Error IocpBackend::open(Handle& handle, const OpenSpec& spec) noexcept {
  if (spec.what != OpenSpec::What::adopt) {
    if (const Error error = refusal(feature_of(spec.address.family))) return error;
  }
  return platform::open(handle, spec);
}

// There is no table of handles here: a slot says only that the handle is attached. Its word is, of a listener, the
// family of the sockets that it accepts; of an accepted pipe, the port that it has joined.
Error IocpBackend::attach(Handle& handle) noexcept {
  WEIR_VERIFY(handle.is_open() && handle.slot == Handle::no_slot);
  if (const Error error = refusal(feature_of(handle.kind))) return error;
  if (handle.kind != HandleKind::child) {
    if (const Error error = join_port(handle)) return error;
  }
  handle.slot = 0;
  if (handle.kind == HandleKind::listener) {
    handle.backend_word = static_cast<std::uint32_t>(iocp::Operations::domain_of_listener(handle));
  }
  ++attached_;
  return {};
}

Error IocpBackend::join_port(Handle& handle) noexcept {
  if (operations_.has_joined(handle)) return {};
  if (::CreateIoCompletionPort(platform::handle_of(handle), port_, iocp::operation_key, 0) != nullptr) return {};
  const Error error = platform::last_error();
  // The kernel says so of handles that were not opened for overlapped I/O.
  const bool plain = error.code == Errc::bad_argument && !platform::is_socket(handle);
  return plain ? refusal(Feature::plain_pipes) : error;
}

void IocpBackend::close(Handle& handle) noexcept {
  WEIR_VERIFY(handle.quiet());
  if (handle.slot != Handle::no_slot) --attached_;
  platform::close(handle);
}

Error IocpBackend::spawn(ChildProcess& child, const SpawnSpec& spec) noexcept {
  if (const Error error = refusal(Feature::child_processes)) return error;
  return platform::spawn(child, spec);
}

Submit IocpBackend::submit(Op& op) noexcept {
  WEIR_ASSERT(op.handle->slot != Handle::no_slot);
  WEIR_VERIFY(place_of(op) == nullptr);
  op.state = OpState::idle;
  if (op.kind == OpKind::watch_read || op.kind == OpKind::watch_write) {
    op.error = refusal(is_pipe(*op.handle) ? Feature::watch_pipe : Feature::watch_descriptor);
    return Submit::done;
  }
  if (operations_.begin(op) == Progress::done) return Submit::done;
  place_of(op) = &op;
  op.state = OpState::in_flight;
  return Submit::pending;
}

void IocpBackend::cancel(Op& op) noexcept {
  WEIR_VERIFY(place_of(op) == &op);
  if (operations_.cancel(op) == Progress::pending) {
    ++cancelling_;
    return;
  }
  place_of(op) = nullptr;
  op.state = OpState::ready;
  ended_.push(op);
}

void IocpBackend::wait(TimePoint deadline, Queue<Op>& ready) noexcept {
  // The packet of what was cancelled comes at once, a little later where the system leaves that to another thread. It
  // is waited for, within this wait, but not for ever.
  constexpr int most_patient = 8;
  int patience = 0;
  completed_ = 0;
  for (;;) {
    while (Op* op = ended_.pop()) {
      ready.push(*op);
      ++completed_;
    }
    const bool owing = cancelling_ > 0 && patience < most_patient;
    const bool something = completed_ > 0 || woken_;
    take_packets(owing && patience++ > 0 ? 1 : something || owing ? 0 : milliseconds_until(deadline), ready);
    if (cancelling_ > 0 && patience < most_patient) continue;
    // A packet may have been for a receive that found nothing and goes on; and a wait of the system's may end early.
    if (completed_ > 0 || woken_ || now() >= deadline) break;
  }
  woken_ = false;
}

DWORD IocpBackend::milliseconds_until(TimePoint deadline) const noexcept {
  if (deadline == TimePoint::max()) return INFINITE;
  const Duration left = deadline.ns <= 0 ? Duration{} : deadline - now();
  if (left.count() <= 0) return 0;
  constexpr std::int64_t longest = INT32_MAX;
  return static_cast<DWORD>(
      std::min<std::int64_t>(std::chrono::ceil<std::chrono::milliseconds>(left).count(), longest));
}

void IocpBackend::take_packets(DWORD milliseconds, Queue<Op>& ready) noexcept {
  std::array<OVERLAPPED_ENTRY, batch> packets;
  ULONG count = 0;
  ++counters_.waits;
  if (!::GetQueuedCompletionStatusEx(port_, packets.data(), batch, &count, milliseconds, FALSE)) {
    // Without the port there is no way to learn when the kernel is done with the memory lent to it: going on, or
    // ending ops without it, is not an option.
    WEIR_VERIFY(::GetLastError() == WAIT_TIMEOUT);
    return;
  }
  for (ULONG i = 0; i < count; ++i) {
    const OVERLAPPED_ENTRY& packet = packets[i];
    if (packet.lpCompletionKey == iocp::wake_key) {
      called_.exchange(false, std::memory_order_acq_rel);
      woken_ = true;
    } else {
      handle_packet(iocp::op_of(packet.lpOverlapped), packet.dwNumberOfBytesTransferred, ready);
    }
  }
}

void IocpBackend::handle_packet(Op& op, DWORD bytes, Queue<Op>& ready) noexcept {
  if (op.state == OpState::cancelling) --cancelling_;
  if (operations_.go_on(op, bytes) == Progress::pending) return;
  place_of(op) = nullptr;
  op.state = OpState::ready;
  ready.push(op);
  ++completed_;
}

// The flag is set before the packet is posted and cleared after it was taken. If it is found set, the
// waiter has yet to clear it, and that it looks for work after that: exchange on both sides orders the work before the
// look.
void IocpBackend::wake() noexcept {
  if (called_.exchange(true, std::memory_order_acq_rel)) return;
  // Refused when the kernel is out of memory, for a moment.
  while (!::PostQueuedCompletionStatus(port_, 0, iocp::wake_key, nullptr)) ::Sleep(1);
}

}  // namespace

Result<std::unique_ptr<Backend>> make_iocp_backend() noexcept {
  if (const Error error = platform::start_winsock()) return std::unexpected(error);
  const HANDLE port = ::CreateIoCompletionPort(INVALID_HANDLE_VALUE, nullptr, 0, 1);
  if (port == nullptr) return std::unexpected(platform::last_error());
  const Platform platform{Os::windows, 0, BackendKind::iocp};
  return std::make_unique<IocpBackend>(Capabilities{"iocp", platform, 0, platform::monotonic_resolution()}, port);
}

}  // namespace weir

#endif
