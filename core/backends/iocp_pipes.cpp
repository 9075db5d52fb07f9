// The operations of a completion port on pipes and devices. A named pipe is a stream like a socket: its listener is an
// instance without a client, which becomes the accepted stream when it gets one, and another takes its place. Windows.
#ifdef _WIN32

#include <algorithm>
#include <climits>
#include <span>
#include <utility>

#include "core/backends/iocp_operations.hpp"
#include "core/platform/errors.hpp"
#include "core/platform/windows/named_pipes.hpp"

namespace weir::iocp {
namespace {

using platform::handle_of;

// The other end has closed; or the device has no more.
bool is_end(DWORD number) noexcept { return number == ERROR_BROKEN_PIPE || number == ERROR_HANDLE_EOF; }

Progress failed_read(Op& op, DWORD number) noexcept { return is_end(number) ? finish(op) : begun(op, number); }

}  // namespace

Operations::~Operations() {
  if (quiet_ != nullptr) ::CloseHandle(quiet_);
}

// --- listening and connecting ---

Error Operations::join(NativeHandle pipe) noexcept {
  if (::CreateIoCompletionPort(handle_of(pipe), port_, operation_key, 0) != nullptr) return {};
  return platform::last_error();
}

// Handles of the kernel have 32 bits that matter, and none of them is zero.
std::uint32_t Operations::mark() const noexcept {
  return static_cast<std::uint32_t>(reinterpret_cast<std::uintptr_t>(port_));
}

bool Operations::has_joined(const Handle& handle) const noexcept {
  if (handle.kind != HandleKind::pipe_stream || handle.backend_word == 0) return false;
  WEIR_VERIFY(handle.backend_word == mark());  // another loop would never hear of it
  return true;
}

Progress Operations::begin_pipe_accept(Op& op) noexcept {
  // Clients that come and go must not hold the thread: a bounded number of attempts.
  constexpr int attempts = 64;
  const HANDLE instance = handle_of(*op.handle);
  for (int attempt = 0; attempt < attempts; ++attempt) {
    in_flight(op).overlapped = {};
    if (::ConnectNamedPipe(instance, &in_flight(op).overlapped)) return Progress::pending;
    const DWORD number = ::GetLastError();
    if (number == ERROR_PIPE_CONNECTED) return take_instance(op);
    if (number != ERROR_NO_DATA) return begun(op, number);
    ::DisconnectNamedPipe(instance);  // its client has left already: it is for the next one
  }
  return fail(op, Errc::connection_aborted);
}

Progress Operations::go_on_accepting_pipe(Op& op, Error error) noexcept {
  return error ? fail(op, error) : take_instance(op);
}

// The instance has its client. When there can be no other in its place the client waits: the next accept finds it.
Progress Operations::take_instance(Op& op) noexcept {
  Handle& listener = *op.handle;
  const Result<NativeHandle> next = platform::make_instance_beside(listener);
  if (!next) return fail(op, next.error());
  if (const Error error = join(*next)) {
    ::CloseHandle(handle_of(*next));
    return fail(op, error);
  }
  Handle& accepted = *op.accept.accepted;
  WEIR_VERIFY(!accepted.is_open());
  accepted.native = std::exchange(listener.native, *next);
  accepted.kind = HandleKind::pipe_stream;
  accepted.backend_word = mark();
  if (op.accept.peer != nullptr) {
    *op.accept.peer = {};
    op.accept.peer->family = Family::named_pipe;
  }
  return finish(op);
}

// Until an instance is free: a pipe has no backlog. The connecting side decides how long that may take.
Progress Operations::begin_pipe_connect(Op& op) noexcept {
  const Address& to = *op.connect.to;
  if (to.family != Family::named_pipe) return fail(op, Errc::bad_argument);
  Handle& stream = *op.handle;
  const NativeHandle pipe = platform::connect_pipe(to.path);
  if (pipe == no_native_handle) {
    if (::GetLastError() != ERROR_PIPE_BUSY) return fail(op, platform::last_error());
    const int number = platform::wait_for_instance(stream, to.path, in_flight(op).overlapped);
    return number == 0 ? Progress::pending : fail(op, platform::error_from(number));
  }
  if (const Error error = join(pipe)) {
    ::CloseHandle(handle_of(pipe));
    return fail(op, error);
  }
  ::CloseHandle(handle_of(std::exchange(stream.native, pipe)));
  return finish(op);
}

// Whatever ended the wait: another client may have been faster, or the server may be gone.
Progress Operations::go_on_connecting_pipe(Op& op) noexcept {
  return op.state == OpState::cancelling ? fail(op, Errc::cancelled) : begin_pipe_connect(op);
}

// --- reading ---

Progress Operations::begin_read(Op& op) noexcept {
  if (op.memory.size == 0) return fail(op, Errc::bad_argument);  // the answer would look like an end of stream
  in_flight(op).overlapped = {};
  const auto size = static_cast<DWORD>(std::min<std::size_t>(op.memory.size, INT_MAX));
  const bool read = ::ReadFile(handle_of(*op.handle), op.memory.data, size, nullptr, &in_flight(op).overlapped);
  return read ? Progress::pending : failed_read(op, ::GetLastError());
}

// A read of nothing ends when there is something: no memory is lent while the peer is silent.
Progress Operations::begin_leased_read(Op& op) noexcept {
  if (op.handle->maybe_readable && attempt_leased_read(op) == Progress::done) return Progress::done;
  in_flight(op).overlapped = {};
  char nothing = 0;
  const bool read = ::ReadFile(handle_of(*op.handle), &nothing, 0, nullptr, &in_flight(op).overlapped);
  return read ? Progress::pending : failed_read(op, ::GetLastError());
}

// Reads what is there already, which does not wait and brings no packet: the low bit of the event sees to that.
Progress Operations::attempt_leased_read(Op& op) noexcept {
  const HANDLE pipe = handle_of(*op.handle);
  DWORD there = 0;
  if (!::PeekNamedPipe(pipe, nullptr, 0, nullptr, &there, nullptr)) return failed_read(op, ::GetLastError());
  op.handle->maybe_readable = false;
  if (there == 0) return Progress::pending;
  if (quiet_ == nullptr) quiet_ = ::CreateEventW(nullptr, TRUE, FALSE, nullptr);
  if (quiet_ == nullptr) return fail(op, platform::last_error());
  Buffer& into = *op.lease.into;
  Buffer fresh = into ? Buffer{} : op.lease.pool->take();
  if (!into && !fresh) return fail(op, Errc::out_of_memory);
  const std::span<char> room = into ? into.room() : fresh.room();
  if (room.empty()) return fail(op, Errc::bad_argument);
  const auto size = static_cast<DWORD>(std::min<std::size_t>(room.size(), there));
  OVERLAPPED now{};
  now.hEvent = reinterpret_cast<HANDLE>(reinterpret_cast<std::uintptr_t>(quiet_) | 1);
  DWORD bytes = 0;
  const bool read = ::ReadFile(pipe, room.data(), size, nullptr, &now) || ::GetLastError() == ERROR_IO_PENDING;
  if (!read || !::GetOverlappedResult(pipe, &now, &bytes, TRUE)) return failed_read(op, ::GetLastError());
  if (fresh) into = std::move(fresh);
  into.commit(bytes);
  op.handle->maybe_readable = bytes == room.size();
  op.bytes = bytes;
  return Progress::done;
}

Progress Operations::go_on_reading(Op& op, DWORD bytes, Error error) noexcept {
  if (error.code == Errc::broken_pipe || error.code == Errc::end_of_stream) return finish(op);
  if (error) return fail(op, error);
  const bool cancelled = op.state == OpState::cancelling;
  if (op.kind == OpKind::recv_leased) {
    if (cancelled) return fail(op, Errc::cancelled);  // what is there stays there
    op.handle->maybe_readable = true;
    return begin_leased_read(op);
  }
  if (bytes == 0 && op.handle->kind != HandleKind::char_device) {  // an empty write, which is not the end
    return cancelled ? fail(op, Errc::cancelled) : begin_read(op);
  }
  op.bytes = bytes;
  return Progress::done;
}

// --- writing ---

// The system gathers pages only: what is small goes together as a copy, what is large slice by slice. op.bytes says how
// far it has come.
Progress Operations::begin_write(Op& op) noexcept {
  std::size_t skip = op.bytes;
  const IoSlice* slice = op.slices.slices;
  const IoSlice* const end = slice + op.slices.count;
  while (slice != end && skip >= slice->size) skip -= (slice++)->size;
  if (slice == end) return Progress::done;
  in_flight(op).overlapped = {};
  in_flight(op).write = nullptr;
  std::string_view part(slice->data + skip, std::min<std::size_t>(slice->size - skip, INT_MAX));
  if (slice + 1 != end) part = gather(op, part, slice + 1, end);
  const auto size = static_cast<DWORD>(part.size());
  if (::WriteFile(handle_of(*op.handle), part.data(), size, nullptr, &in_flight(op).overlapped)) {
    return Progress::pending;
  }
  const DWORD number = ::GetLastError();
  if (number == ERROR_IO_PENDING) return Progress::pending;
  end_write(op);
  op.error = platform::transfer_error(static_cast<int>(number));
  return Progress::done;
}

// As much as fits of what is to be written, in one piece; `first` itself where that is large.
std::string_view Operations::gather(Op& op, std::string_view first, const IoSlice* next, const IoSlice* end) noexcept {
  if (first.size() >= sizeof WriteArea::bytes) return first;
  WriteArea* const area = write_areas_.take();
  if (area == nullptr) return first;
  in_flight(op).write = area;
  std::size_t size = first.copy(area->bytes.data(), first.size());
  for (; next != end && size < area->bytes.size(); ++next) {
    size += std::string_view(next->data, next->size).copy(area->bytes.data() + size, area->bytes.size() - size);
  }
  return {area->bytes.data(), size};
}

void Operations::end_write(Op& op) noexcept {
  if (WriteArea* const area = std::exchange(in_flight(op).write, nullptr)) write_areas_.give_back(area);
}

Progress Operations::go_on_writing(Op& op, DWORD bytes, Error error) noexcept {
  end_write(op);
  op.bytes += bytes;
  if (error || op.state == OpState::cancelling) {
    op.error = op.bytes == 0 ? error : Error{};
    return Progress::done;
  }
  return begin_write(op);
}

}  // namespace weir::iocp

#endif
