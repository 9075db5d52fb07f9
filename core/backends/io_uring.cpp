// The ring itself: what becomes of a handle and of an op, how completions are told apart, readiness by one-shot polls.

#include "core/backends/io_uring.hpp"

#ifdef __linux__

#include <poll.h>

#include <bit>
#include <utility>

#include "core/backends/registry.hpp"
#include "core/platform/errors.hpp"
#include "core/platform/fallbacks.hpp"

namespace weir {
namespace uring {
namespace {

constexpr unsigned entries = 256;       // more are submitted in between
constexpr unsigned completions = 4096;  // more are kept by the kernel

constexpr unsigned in_events = POLLIN | POLLPRI | POLLRDHUP;
constexpr unsigned hang_ups = POLLHUP | POLLERR | POLLRDHUP | POLLPRI | POLLNVAL;

constexpr std::uint32_t poll_mask(unsigned events) noexcept {
  return std::endian::native == std::endian::big ? std::rotl(std::uint32_t{events}, 16) : events;
}

}  // namespace

Error IoUringBackend::start() noexcept {
  if (const Error error = platform::Uring::probe()) return error;
  if (const Error error = ring_.open(entries, completions)) return error;
  multishot_ = accepts_ahead_ = !platform::fallbacks_forced() && ring_.receives_multishot();
  return open_wakeup();
}

// Closes connections accepted for a listener that has been closed.
IoUringBackend::~IoUringBackend() {
  return_blocks();
  if (ring_.enabled()) take_all(late_);
}

Error IoUringBackend::attach(Handle& handle) noexcept {
  if (const Error error = ReadinessBackend::attach(handle)) return error;
  if (handle.slot >= traffic_.size()) traffic_.resize(handle.slot + std::size_t{1});
  if (handle.kind == HandleKind::listener && accepts_ahead_) arrivals_.push_back({&handle});
  return {};
}

void IoUringBackend::close(Handle& handle) noexcept {
  if (handle.slot != Handle::no_slot) {
    if (handle.kind == HandleKind::stream_socket) close_traffic(handle);
    if (handle.kind == HandleKind::listener) close_arrivals(handle);
  }
  ReadinessBackend::close(handle);
}

// The ring belongs to the thread that uses it first.
bool IoUringBackend::usable() noexcept {
  if (!failure() && !ring_.enabled()) {
    if (const Error error = ring_.enable()) fail(error);
  }
  return !failure();
}

io_uring_sqe* IoUringBackend::entry() noexcept {
  io_uring_sqe* made = usable() ? ring_.entry() : nullptr;
  if (!made && !failure()) fail(platform::last_error());
  return made;
}

void IoUringBackend::submit_now() noexcept {
  if (failure()) return;
  if (const Error error = ring_.submit()) fail(error);
}

void IoUringBackend::cancel_at_kernel(Tag tag, const Handle& handle) noexcept {
  io_uring_sqe* cancel = entry();
  if (!cancel) return;
  cancel->opcode = IORING_OP_ASYNC_CANCEL;
  cancel->fd = -1;
  cancel->addr = pack(tag, token_of(handle));
  cancel->user_data = pack(Tag::nobody, {0, 0});
}

void IoUringBackend::cancel_multishot(Tag tag, const Handle& handle) noexcept {
  Traffic& state = traffic_[handle.slot];
  if (state.request != Request::multishot) return;
  cancel_at_kernel(tag, handle);
  state.request = Request::stopping;
}

// --- readiness ---

Error IoUringBackend::arm(Handle& handle, Interest interest) noexcept {
  if (interest == Interest::none) {
    if ((handle.armed & bits(Interest::read)) != 0) cancel_at_kernel(Tag::poll_in, handle);
    if ((handle.armed & bits(Interest::write)) != 0) cancel_at_kernel(Tag::poll_out, handle);
    handle.armed = 0;
    return {};
  }
  io_uring_sqe* poll = entry();
  if (!poll) return failure();
  poll->opcode = IORING_OP_POLL_ADD;
  poll->fd = static_cast<int>(handle.native);
  poll->poll32_events = poll_mask(interest == Interest::read ? in_events : unsigned{POLLOUT});
  poll->user_data = pack(interest == Interest::read ? Tag::poll_in : Tag::poll_out, token_of(handle));
  handle.armed |= bits(interest);
  return {};
}

void IoUringBackend::poll(TimePoint until, FiredList& fired) noexcept {
  if (!wake_armed_) {
    io_uring_sqe* wake = entry();
    if (!wake) return;
    wake->opcode = IORING_OP_POLL_ADD;
    wake->fd = static_cast<int>(wake_descriptor());
    wake->poll32_events = poll_mask(POLLIN);
    wake->user_data = pack(Tag::wake, {0, 0});
    wake_armed_ = true;
  }
  lent_.refill();
  feed_starved();
  cancel_unwanted_multishots();
  const bool forever = until == TimePoint::max() && late_.empty();
  const Duration time = late_.empty() ? time_until(until) : Duration{};
  if (const Error error = ring_.enter(time, forever)) return fail(error);
  fired.swap(late_);
  late_.clear();
  take_all(fired);  // they hold blocks
}

void IoUringBackend::take_all(FiredList& fired) noexcept {
  io_uring_cqe completion;
  while (ring_.next(completion)) take(completion, fired);
}

void IoUringBackend::take(const io_uring_cqe& completion, FiredList& fired) noexcept {
  const Token token = token_in(completion.user_data);
  switch (const Tag tag = tag_of(completion.user_data)) {
    case Tag::nobody: break;
    case Tag::wake:
      wake_armed_ = false;
      fired.push_back({wake_token, true, false, false});
      break;
    case Tag::poll_in:
    case Tag::poll_out: polled(tag, token, completion.res, fired); break;
    case Tag::receive: received(token, completion); break;
    case Tag::send: sent(token, completion.res, fired); break;
    case Tag::accept: accepted(token, completion, fired); break;
  }
}

void IoUringBackend::polled(Tag tag, Token token, std::int32_t result, FiredList& fired) noexcept {
  if (result == -ECANCELED) return;
  Handle* handle = attached_handle(token);
  if (!handle) return note_stale_event();
  const bool in = tag == Tag::poll_in;
  handle->armed &= static_cast<std::uint8_t>(~bits(in ? Interest::read : Interest::write));
  bool hung_up = result < 0 || (static_cast<unsigned>(result) & hang_ups) != 0;
  Traffic& state = traffic_[token.slot];
  // The ring has the word: a receive beside it would get ahead of bytes that are under way.
  const bool by_ring = state.armed() || state.has_result();
  if (hung_up) handle->hung_up = true;
  fired.push_back({token, (in || hung_up) && !by_ring, (!in || hung_up) && !state.sending, false});
}

// --- operations ---

Submit IoUringBackend::submit(Op& op) noexcept {
  if (op.handle->kind == HandleKind::stream_socket) {
    if (op.kind == OpKind::send) return send(op);
    if (receives(op.kind)) return receive(op);
  }
  if (op.kind == OpKind::accept) return accept(op);
  return ReadinessBackend::submit(op);
}

void IoUringBackend::cancel(Op& op) noexcept {
  const bool requested = op.kind == OpKind::accept ? cancel_accept(op) : op.kind == OpKind::send && cancel_send(op);
  if (!requested) return ReadinessBackend::cancel(op);
  ask_system();
}

}  // namespace uring

Result<std::unique_ptr<Backend>> make_io_uring_backend() noexcept {
  const Platform platform{Os::linux_os, 0, BackendKind::io_uring};
  auto backend = std::make_unique<uring::IoUringBackend>(Capabilities{"io_uring", platform, 0, Duration{1}});
  if (const Error error = backend->start()) return std::unexpected(error);
  return backend;
}

std::string explain_io_uring(const Error& error) { return platform::Uring::explain(error); }

}  // namespace weir

#endif
