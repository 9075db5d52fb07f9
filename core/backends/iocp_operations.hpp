#pragma once
// What each kind of operation is to a completion port: how it starts, how it continues when its packet comes, how it is
// cancelled. The kernel owns the op's slot, and the memory that the op names, from begin() until the packet has been
// taken from the port; nothing here shortens that. Owned by an iocp backend and called on its thread. Windows.
#ifdef _WIN32

#include <array>
#include <atomic>
#include <cstddef>
#include <memory>
#include <new>
#include <string_view>
#include <utility>

#include "core/platform/windows/winsock.hpp"
#include "core/reactor/op.hpp"

namespace weir::iocp {

inline constexpr ULONG_PTR operation_key = 1;  // a packet of an op
inline constexpr ULONG_PTR wake_key = 2;       // a packet of Backend::wake

// Where AcceptEx writes both ends' addresses.
struct AcceptArea {
  static constexpr DWORD address_size = sizeof(sockaddr_storage) + 16;
  std::array<char, 2 * std::size_t{address_size}> bytes;
  std::unique_ptr<AcceptArea> next;  // among those that are free
};

// What slices of a write are copied into where they are small.
struct WriteArea {
  std::array<char, 4096> bytes;
  std::unique_ptr<WriteArea> next;
};

// Memory that is lent to the kernel repeatedly.
template <class Area>
class FreeAreas {
 public:
  ~FreeAreas() {
    while (first_ != nullptr) first_ = std::move(first_->next);
  }
  Area* take() noexcept {
    if (first_ == nullptr) return new (std::nothrow) Area;
    std::unique_ptr<Area> taken = std::move(first_);
    first_ = std::move(taken->next);
    return taken.release();
  }
  void give_back(Area* area) noexcept {
    area->next = std::move(first_);
    first_.reset(area);
  }

 private:
  std::unique_ptr<Area> first_;
};

// What an op in flight keeps in its slot.
struct InFlight {
  OVERLAPPED overlapped;
  union {
    struct {
      SOCKET socket;  // made before there is a connection for it
      AcceptArea* area;
    } accept;
    WriteArea* write;  // null: the caller's memory is written
    struct {
      HANDLE wait;  // the system's watch over the process
      HANDLE port;
      std::atomic<bool> ended;  // a packet was posted
    } child;
  };
};
static_assert(sizeof(InFlight) <= sizeof(Op::slot));

inline InFlight& in_flight(Op& op) noexcept { return *reinterpret_cast<InFlight*>(op.slot); }
inline Op& op_of(OVERLAPPED* overlapped) noexcept {
  return *reinterpret_cast<Op*>(reinterpret_cast<std::byte*>(overlapped) - offsetof(Op, slot));
}

enum class Progress : bool { pending, done };  // pending: a packet comes; done: the result is in the op

inline Progress fail(Op& op, Error error) noexcept {
  op.bytes = 0;
  op.error = error;
  return Progress::done;
}

// Nothing went wrong and no bytes were moved: it is accepted, connected, or at the end of the stream.
inline Progress finish(Op& op) noexcept { return fail(op, {}); }

// How an overlapped call went that returned failure: usually it has only begun.
Progress begun(Op& op, DWORD number) noexcept;

class Operations {
 public:
  explicit Operations(HANDLE port) noexcept : port_(port) {}
  ~Operations();
  Operations(const Operations&) = delete;
  Operations& operator=(const Operations&) = delete;

  Progress begin(Op& op) noexcept;
  // The op's packet was taken from the port: `bytes` were moved.
  Progress go_on(Op& op, DWORD bytes) noexcept;
  // Asks the kernel to end the op. Done: no packet comes.
  Progress cancel(Op& op) noexcept;

  // Is it a pipe that was accepted here? Then it has joined the port with the listener that it was.
  bool has_joined(const Handle& handle) const noexcept;

  // The family of the sockets that a listener accepts; its accepts find it in Handle::backend_word.
  static int domain_of_listener(const Handle& listener) noexcept;

 private:
  Progress begin_receive(Op& op) noexcept;
  Progress begin_send(Op& op) noexcept;
  Progress begin_accept(Op& op) noexcept;
  Progress begin_connect(Op& op) noexcept;
  Progress begin_pipe_accept(Op& op) noexcept;
  Progress begin_pipe_connect(Op& op) noexcept;
  Progress begin_read(Op& op) noexcept;
  Progress begin_leased_read(Op& op) noexcept;
  Progress begin_write(Op& op) noexcept;
  Progress begin_wait(Op& op) noexcept;

  Progress go_on_receiving(Op& op, DWORD bytes, Error error) noexcept;
  Progress go_on_accepting(Op& op, Error error) noexcept;
  Progress go_on_connecting(Op& op, Error error) noexcept;
  Progress go_on_accepting_pipe(Op& op, Error error) noexcept;
  Progress go_on_connecting_pipe(Op& op) noexcept;
  Progress go_on_reading(Op& op, DWORD bytes, Error error) noexcept;
  Progress go_on_writing(Op& op, DWORD bytes, Error error) noexcept;

  Progress attempt(Op& op) noexcept;
  Progress ask_for_packet(Op& op) noexcept;
  Progress attempt_leased_read(Op& op) noexcept;
  Progress take_instance(Op& op) noexcept;
  Error join(NativeHandle pipe) noexcept;
  std::uint32_t mark() const noexcept;
  Progress post_accept(Op& op) noexcept;
  void drop_accept(Op& op) noexcept;
  std::string_view gather(Op& op, std::string_view first, const IoSlice* next, const IoSlice* end) noexcept;
  void end_write(Op& op) noexcept;

  HANDLE port_;
  HANDLE quiet_ = nullptr;  // an event for calls that end at once and are to bring no packet
  FreeAreas<AcceptArea> accept_areas_;
  FreeAreas<WriteArea> write_areas_;
};

}  // namespace weir::iocp

#endif
