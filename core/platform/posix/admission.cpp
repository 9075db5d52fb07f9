#include "core/platform/admission.hpp"

#include <sys/socket.h>

#if defined(__linux__)
#include <linux/filter.h>
#endif

#include <cstdint>
#include <iterator>

namespace weir::platform {

bool admit_no_more(NativeHandle listener) noexcept {
  const int fd = static_cast<int>(listener);
#if defined(__linux__)
  // A filter on the listening socket that drops segments with SYN and without ACK: the peer asks again in a second. The
  // last segment of a handshake that has begun passes, and so does everything else for the sockets that inherit it.
  constexpr int flags_offset = 13;  // in the TCP header (RFC 9293 section 3.1), where the filter's view begins
  constexpr int syn = 0x02;
  constexpr int ack = 0x10;
  sock_filter code[] = {
      BPF_STMT(BPF_LD | BPF_B | BPF_ABS, flags_offset),
      BPF_STMT(BPF_ALU | BPF_AND | BPF_K, syn | ack),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, syn, 0, 1),
      BPF_STMT(BPF_RET | BPF_K, 0),
      BPF_STMT(BPF_RET | BPF_K, UINT32_MAX),
  };
  sock_fprog program{};
  program.len = std::size(code);
  program.filter = code;
  if (::setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof program) == 0) return true;
#endif
  return ::listen(fd, 0) == 0;
}

}  // namespace weir::platform
