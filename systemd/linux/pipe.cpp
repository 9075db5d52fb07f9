#include "systemd/pipe.hpp"

#include <fcntl.h>
#include <unistd.h>

#include "core/platform/errors.hpp"

namespace weir::systemd {

Result<Pipe> make_pipe() noexcept {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC | O_NONBLOCK) != 0) return std::unexpected(platform::last_error());
  return Pipe{ends[0], ends[1]};
}

void close_end(int descriptor) noexcept { ::close(descriptor); }

}  // namespace weir::systemd
