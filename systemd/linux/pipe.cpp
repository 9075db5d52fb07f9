#include "systemd/pipe.hpp"

#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <chrono>

#include "core/platform/errors.hpp"

namespace weir::systemd {

Result<Pipe> make_pipe() noexcept {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC | O_NONBLOCK) != 0) return std::unexpected(platform::last_error());
  return Pipe{ends[0], ends[1]};
}

void close_end(int descriptor) noexcept { ::close(descriptor); }

void wait_for_end(int descriptor, Duration longest) noexcept {
  pollfd one{descriptor, POLLIN, 0};
  const auto ms = std::chrono::duration_cast<std::chrono::milliseconds>(longest).count();
  static_cast<void>(::poll(&one, 1, static_cast<int>(ms)));
  ::close(descriptor);
}

}  // namespace weir::systemd
