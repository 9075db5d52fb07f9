#pragma once
// The peer's side of a connection in tests: plain sockets on loopback, outside of any backend, on every system. The
// caller closes what it gets. Any thread.

#include <string>
#include <string_view>
#include <utility>

#include "core/reactor/handle.hpp"

namespace weir::test {

// Two connected stream sockets; the first is for a backend to adopt, the second blocks.
std::pair<NativeHandle, NativeHandle> socket_pair();

NativeHandle connect_to(std::uint16_t port);  // on 127.0.0.1; it blocks

bool send_all(NativeHandle socket, std::string_view text);
std::string receive_rest(NativeHandle socket);               // until the end of the stream
std::string receive_now(NativeHandle socket);                // what is there already; "" may also be the end
bool listens(NativeHandle socket);
void close_socket(NativeHandle socket);

}  // namespace weir::test
