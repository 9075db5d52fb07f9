// Listeners: the multishot accept, and connections that came before anybody asked for them.

#include "core/backends/io_uring.hpp"

#ifdef __linux__

#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "core/platform/sockets.hpp"

namespace weir::uring {

Arrivals* IoUringBackend::arrivals_of(const Handle& listener) noexcept {
  const auto found = std::ranges::find(arrivals_, &listener, &Arrivals::listener);
  return found == arrivals_.end() ? nullptr : &*found;
}

Submit IoUringBackend::accept(Op& op) noexcept {
  Handle& listener = *op.handle;
  Arrivals* state = arrivals_of(listener);
  if (!state) return ReadinessBackend::submit(op);
  WEIR_VERIFY(listener.in == nullptr);
  op.state = OpState::idle;
  if (!state->kept.empty()) {
    hand_out(*state, op);
    return Submit::done;
  }
  if (state->armed && !op.accept.ahead) ask_back(*state);
  if (!state->armed && !(op.accept.ahead && arm_accept(*state))) return ReadinessBackend::submit(op);
  listener.in = &op;
  op.state = OpState::in_flight;
  return Submit::pending;
}

// One that has been reset meanwhile has no peer any more; its first receive tells.
void IoUringBackend::hand_out(Arrivals& state, Op& op) noexcept {
  Handle& accepted = *op.accept.accepted;
  accepted.take(state.kept.front());
  state.kept.pop_front();
  if (op.accept.peer != nullptr) *op.accept.peer = platform::peer_address(accepted).value_or(Address{});
}

bool IoUringBackend::arm_accept(Arrivals& state) noexcept {
  io_uring_sqe* accept = accepts_ahead_ ? entry() : nullptr;
  if (!accept) return false;
  accept->opcode = IORING_OP_ACCEPT;
  accept->fd = static_cast<int>(state.listener->native);
  accept->ioprio = IORING_ACCEPT_MULTISHOT;
  accept->accept_flags = SOCK_NONBLOCK | SOCK_CLOEXEC;
  accept->user_data = pack(Tag::accept, token_of(*state.listener));
  state.armed = true;
  state.stopping = false;
  return true;
}

void IoUringBackend::ask_back(Arrivals& state) noexcept {
  if (!std::exchange(state.stopping, true)) cancel_at_kernel(Tag::accept, *state.listener);
}

// Nobody accepts at the moment: whoever comes now waits in the backlog.
void IoUringBackend::ask_back_unwanted() noexcept {
  for (Arrivals& state : arrivals_) {
    if (state.armed && state.listener->in == nullptr) ask_back(state);
  }
}

void IoUringBackend::accepted(Token token, const io_uring_cqe& completion, FiredList& fired) noexcept {
  Handle* listener = attached_handle(token);
  if (!listener) {
    if (completion.res >= 0) ::close(completion.res);
    return note_stale_event();
  }
  Arrivals& state = *arrivals_of(*listener);
  if ((completion.flags & IORING_CQE_F_MORE) == 0) state.armed = false;
  if (completion.res >= 0) state.kept.push_back(completion.res);
  if (completion.res == -EINVAL) accepts_ahead_ = false;
  Op* op = listener->in;
  if (op == nullptr || (state.kept.empty() && state.armed)) return;
  if (!state.kept.empty()) {
    hand_out(state, *op);
  } else if (!attempt(*op)) {  // an error, or it was asked back: once more, without the ring
    if (op->state != OpState::cancelling) return fired.push_back({token, true, false, false});
    op->error = Errc::cancelled;
  }
  listener->in = nullptr;
  end(*op);
}

bool IoUringBackend::cancel_accept(Op& op) noexcept {
  Arrivals* state = arrivals_of(*op.handle);
  if (!state || !state->armed) return false;
  ask_back(*state);
  return true;
}

// The kernel's accept holds the listener open, and would go on: it ends here.
void IoUringBackend::close_arrivals(Handle& listener) noexcept {
  Arrivals* state = arrivals_of(listener);
  if (!state) return;
  if (state->armed) {
    ask_back(*state);
    submit_now();
  }
  for (const NativeHandle accepted : state->kept) ::close(static_cast<int>(accepted));
  arrivals_.erase(arrivals_.begin() + (state - arrivals_.data()));
}

}  // namespace weir::uring

#endif
