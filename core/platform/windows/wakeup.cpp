// A pair of sockets: select of Windows waits on nothing else.

#include "core/platform/wakeup.hpp"

#include "core/platform/windows/socket_pair.hpp"
#include "core/platform/windows/winsock.hpp"

namespace weir::platform {

Wakeup::~Wakeup() {
  close_socket(write_end_);
  close_socket(read_end_);
}

Error Wakeup::open() noexcept {
  const Result<SocketPair> pair = make_socket_pair();
  if (!pair) return pair.error();
  read_end_ = pair->read_end;
  write_end_ = pair->write_end;
  return {};
}

// The flag is set before the send and cleared after the receive. If it is found set, the waiter has yet to
// clear it, and that it looks for work after that: exchange on both sides orders the work before the look.
void Wakeup::signal() noexcept {
  if (signalled_.exchange(true, std::memory_order_acq_rel)) return;
  const int kept = ::WSAGetLastError();
  const char byte = 0;
  ::send(socket_of(write_end_), &byte, 1, 0);
  ::WSASetLastError(kept);
}

void Wakeup::drain() noexcept {
  char bytes[64];
  ::recv(socket_of(read_end_), bytes, sizeof bytes, 0);
  signalled_.exchange(false, std::memory_order_acq_rel);
}

}  // namespace weir::platform
