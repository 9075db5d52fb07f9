#pragma once
// Where libkqueue, which stands in for a kernel's kqueue on Linux, does not do what kqueue does: each line skips one
// conformance test of the kqueue backend, there only. Nothing but errors of that library may be here; version 2.7.0 was
// looked at. A system with a kqueue of its own skips nothing.

#include <array>
#include <string_view>

namespace weir::conformance {

struct LibkqueueGap {
  std::string_view test;  // the sentence
  std::string_view why;
};

inline constexpr std::array libkqueue_gaps{
    // src/linux/read.c and write.c, copyout: getsockopt(SO_ERROR) fills in Event::fflags, and thereby takes the error
    // away from the socket: recv() then reports an end of stream where a kernel's kqueue leaves ECONNRESET.
    LibkqueueGap{"a reset is an error, not an end", "an event takes the socket's error away"},
    // Likewise: the SO_ERROR that the end of a connect is judged by has become 0.
    LibkqueueGap{"a connect that nobody listens for is refused", "an event takes the socket's error away"},
};

}  // namespace weir::conformance
