#pragma once
// What each kind of operation is to a completion port: how it is begun, how it goes on when its packet comes, how it is
// cancelled. The kernel owns the op's slot, and the memory that the op names, from begin() until the packet has been
// taken from the port; nothing here shortens that. Owned by an iocp backend and called on its thread. Windows.
#ifdef _WIN32

#include <array>
#include <atomic>
#include <cstddef>
#include <memory>

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

// What an op in flight keeps in its slot.
struct InFlight {
  OVERLAPPED overlapped;
  union {
    struct {
      SOCKET socket;  // made before there is a connection for it
      AcceptArea* area;
    } accept;
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

class Operations {
 public:
  explicit Operations(HANDLE port) noexcept : port_(port) {}

  Progress begin(Op& op) noexcept;
  // The op's packet was taken from the port: `bytes` were moved.
  Progress go_on(Op& op, DWORD bytes) noexcept;
  // Asks the kernel to end the op. Done: no packet comes.
  Progress cancel(Op& op) noexcept;

  // Which sockets a listener accepts; kept by the backend where the op's handle has room for it.
  static int domain_of_listener(const Handle& listener) noexcept;

 private:
  Progress begin_receive(Op& op) noexcept;
  Progress begin_send(Op& op) noexcept;
  Progress begin_accept(Op& op) noexcept;
  Progress begin_connect(Op& op) noexcept;
  Progress begin_read(Op& op) noexcept;
  Progress begin_write(Op& op) noexcept;
  Progress begin_wait(Op& op) noexcept;

  Progress go_on_receiving(Op& op, DWORD bytes, Error error) noexcept;
  Progress go_on_accepting(Op& op, Error error) noexcept;
  Progress go_on_connecting(Op& op, Error error) noexcept;
  Progress go_on_writing(Op& op, DWORD bytes, Error error) noexcept;

  Progress attempt(Op& op) noexcept;
  Progress ask_for_packet(Op& op) noexcept;
  Progress post_accept(Op& op) noexcept;
  void drop_accept(Op& op) noexcept;
  AcceptArea* take_area() noexcept;
  void give_back(AcceptArea* area) noexcept;

  HANDLE port_;
  std::unique_ptr<AcceptArea> free_areas_;
};

}  // namespace weir::iocp

#endif
