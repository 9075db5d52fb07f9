#include "core/platform/threads.hpp"

#include <pthread.h>

#include <algorithm>
#include <thread>

namespace weir::platform {

void name_thread(const std::string& name) noexcept {
#if defined(__linux__)
  constexpr std::size_t longest = 15;
  char text[longest + 1] = {};
  std::copy_n(name.data(), std::min(name.size(), longest), text);
  ::pthread_setname_np(::pthread_self(), text);
#elif defined(__APPLE__)
  ::pthread_setname_np(name.c_str());
#else
  static_cast<void>(name);
#endif
}

std::size_t usable_processors() noexcept { return std::max(1U, std::thread::hardware_concurrency()); }

}  // namespace weir::platform
