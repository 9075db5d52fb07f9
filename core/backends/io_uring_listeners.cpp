// Listeners: the multishot accept, and connections that came before an accept asked for them.

#include "core/backends/io_uring.hpp"

#ifdef __linux__

#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "core/platform/sockets.hpp"

namespace weir::uring {

Arrivals* IoUringBackend::arrivals_of(const Handle& listener) noexcept {
  const auto found = std::ranges::find(arrivals_, &listener, &Arrivals::listener);
  return found == arrivals_.end() ? nullptr : &*found;
}

Submit IoUringBackend::accept(Op& op) noexcept {
  Handle& listener = *op.handle;
  Arrivals* arrivals = arrivals_of(listener);
  if (!arrivals) return ReadinessBackend::submit(op);
  WEIR_VERIFY(listener.in == nullptr);
  op.state = OpState::idle;
  if (!arrivals->kept.empty()) {
    hand_out(*arrivals, op);
    return Submit::done;
  }
  const bool armed = traffic_[listener.slot].armed();
  if (armed && !op.accept.ahead) cancel_multishot(Tag::accept, listener);
  if (!armed && !(op.accept.ahead && arm_accept(listener))) return ReadinessBackend::submit(op);
  listener.in = &op;
  op.state = OpState::in_flight;
  return Submit::pending;
}

// One that has been reset meanwhile has no peer any more; its first receive tells.
void IoUringBackend::hand_out(Arrivals& arrivals, Op& op) noexcept {
  Handle& accepted = *op.accept.accepted;
  accepted.take(arrivals.kept.front());
  arrivals.kept.pop_front();
  if (op.accept.peer != nullptr) *op.accept.peer = platform::peer_address(accepted).value_or(Address{});
}

bool IoUringBackend::arm_accept(Handle& listener) noexcept {
  io_uring_sqe* accept = accepts_ahead_ ? entry() : nullptr;
  if (!accept) return false;
  accept->opcode = IORING_OP_ACCEPT;
  accept->fd = static_cast<int>(listener.native);
  accept->ioprio = IORING_ACCEPT_MULTISHOT;
  accept->accept_flags = SOCK_NONBLOCK | SOCK_CLOEXEC;
  accept->user_data = pack(Tag::accept, token_of(listener));
  traffic_[listener.slot].request = Request::multishot;
  return true;
}

// No accept waits at the moment: new connections wait in the backlog.
void IoUringBackend::cancel_unwanted_multishots() noexcept {
  for (const Arrivals& arrivals : arrivals_) {
    const Handle& listener = *arrivals.listener;
    if (traffic_[listener.slot].armed() && listener.in == nullptr) cancel_multishot(Tag::accept, listener);
  }
}

void IoUringBackend::accepted(Token token, const io_uring_cqe& completion, FiredList& fired) noexcept {
  Handle* listener = attached_handle(token);
  if (!listener) {
    if (completion.res >= 0) ::close(completion.res);
    return note_stale_event();
  }
  Arrivals& arrivals = *arrivals_of(*listener);
  Traffic& state = traffic_[token.slot];
  if ((completion.flags & IORING_CQE_F_MORE) == 0) state.request = Request::none;
  if (completion.res >= 0) arrivals.kept.push_back(completion.res);
  if (completion.res == -EINVAL) accepts_ahead_ = false;
  Op* op = listener->in;
  if (op == nullptr || (arrivals.kept.empty() && state.armed())) return;
  if (!arrivals.kept.empty()) {
    hand_out(arrivals, *op);
  } else if (!attempt(*op)) {  // an error, or it was asked back: once more, without the ring
    if (op->state != OpState::cancelling) return fired.push_back({token, true, false, false});
    op->error = Errc::cancelled;
  }
  listener->in = nullptr;
  end(*op);
}

bool IoUringBackend::cancel_accept(Op& op) noexcept {
  if (!traffic_[op.handle->slot].armed()) return false;
  cancel_multishot(Tag::accept, *op.handle);
  return true;
}

// The kernel's accept holds the listener open, and would go on: it ends here.
void IoUringBackend::close_arrivals(Handle& listener) noexcept {
  Arrivals* arrivals = arrivals_of(listener);
  if (!arrivals) return;
  if (traffic_[listener.slot].armed()) {
    cancel_multishot(Tag::accept, listener);
    submit_now();
  }
  for (const NativeHandle accepted : arrivals->kept) ::close(static_cast<int>(accepted));
  arrivals_.erase(arrivals_.begin() + (arrivals - arrivals_.data()));
  traffic_[listener.slot] = {};
}

}  // namespace weir::uring

#endif
