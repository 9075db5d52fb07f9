#pragma once
// A pipe for Notifier::barrier. Both ends are the caller's, and not inherited by programs that are started. Any thread.

#include "core/base/error.hpp"
#include "core/base/time.hpp"

namespace weir::systemd {

struct Pipe {
  int reading = -1;
  int writing = -1;
};
Result<Pipe> make_pipe() noexcept;
void close_end(int descriptor) noexcept;
// Waits for the end of the stream, but not longer than that, and closes it.
void wait_for_end(int descriptor, Duration longest) noexcept;

}  // namespace weir::systemd
