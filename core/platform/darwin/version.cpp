#include "core/platform/version.hpp"

#include <sys/sysctl.h>

#include <charconv>
#include <cstddef>
#include <string_view>

namespace weir::platform {
namespace {

// "14.4.1" → 14, 4. What is missing is 0.
struct Release {
  unsigned major = 0, minor = 0;
};

Release read_release(const char* name) noexcept {
  char text[64] = {};
  std::size_t size = sizeof text - 1;
  Release release;
  if (::sysctlbyname(name, text, &size, nullptr, 0) != 0) return release;
  const char* end = text + std::string_view(text).size();
  const auto major = std::from_chars(text, end, release.major);
  if (major.ec == std::errc{} && major.ptr != end) std::from_chars(major.ptr + 1, end, release.minor);
  return release;
}

}  // namespace

std::uint16_t system_version() noexcept {
  Release release = read_release("kern.osproductversion");
  if (release.major == 0) {
    // Before 10.13.4 only the kernel tells its own: Darwin 12 is that of 10.8.
    const unsigned darwin = read_release("kern.osrelease").major;
    if (darwin > 4) release = {10, darwin - 4};
  }
  return static_cast<std::uint16_t>(release.major * 100 + release.minor);
}

}  // namespace weir::platform
