#include "core/platform/descriptors.hpp"

#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "core/platform/errors.hpp"
#ifdef __APPLE__
#include "core/platform/darwin/descriptor_limit.hpp"
#endif

namespace weir::platform {
namespace {

// Where the system names no limit, as many as any machine needs: tables must not be sized by infinity.
constexpr rlim_t plenty = 1U << 20;

rlim_t most_wanted(const rlimit& limit) noexcept {
  const rlim_t named = limit.rlim_max == RLIM_INFINITY ? std::max(plenty, limit.rlim_cur) : limit.rlim_max;
#ifdef __APPLE__
  return std::min<rlim_t>(named, most_descriptors());
#else
  return named;
#endif
}

}  // namespace

std::size_t raise_descriptor_limit() noexcept {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return 256;
  const rlim_t wanted = most_wanted(limit);
  if (limit.rlim_cur != RLIM_INFINITY && limit.rlim_cur < wanted) {
    rlimit raised = limit;
    raised.rlim_cur = wanted;
    if (::setrlimit(RLIMIT_NOFILE, &raised) == 0) limit = raised;
  }
  return static_cast<std::size_t>(std::min<rlim_t>(limit.rlim_cur, 1U << 30));
}

std::size_t open_descriptors() noexcept {
  // They are handed out from the lowest free number: behind a long gap there is at most one that was inherited.
  constexpr int long_gap = 256;
  std::size_t count = 0;
  for (int descriptor = 0, gap = 0; gap < long_gap; ++descriptor) {
    gap = ::fcntl(descriptor, F_GETFD) >= 0 ? 0 : gap + 1;
    if (gap == 0) ++count;
  }
  return count;
}

Result<NativeHandle> duplicate(NativeHandle native) noexcept {
  const int copy = ::fcntl(static_cast<int>(native), F_DUPFD_CLOEXEC, 0);
  if (copy < 0) return std::unexpected(last_error());
  return NativeHandle{copy};
}

bool write_and_close(int descriptor, const char* data, std::size_t size) noexcept {
  while (size > 0) {
    const auto written = ::write(descriptor, data, size);
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) break;
    data += written;
    size -= static_cast<std::size_t>(written);
  }
  ::close(descriptor);
  return size == 0;
}

}  // namespace weir::platform
