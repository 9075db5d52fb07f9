#pragma once
// RoomRequests: at a limit of the process, a worker without an idle client asks the others, one after the other, to close
// the one that has been idle longest there. Any thread; the workers are added and cleared by the control thread.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <vector>

#include "daemon/worker.hpp"

namespace weir::daemon {

class RoomRequests {
 public:
  void add(Worker& worker) {
    const std::lock_guard lock(mutex_);
    workers_.push_back(&worker);
  }
  // Before the workers are destroyed: from now on nobody is asked.
  void clear() noexcept {
    const std::lock_guard lock(mutex_);
    workers_.clear();
  }

  // Asks the nth of the others, counted from the one that asks, so that not all ask the same one first. False: there are
  // not so many.
  bool ask(const Worker& asking, std::uint32_t listener, std::uint32_t nth) noexcept {
    const std::lock_guard lock(mutex_);
    const auto at = std::find(workers_.begin(), workers_.end(), &asking);
    if (at == workers_.end() || nth + 1 >= workers_.size()) return false;
    const std::size_t own = static_cast<std::size_t>(at - workers_.begin());
    workers_[(own + nth + 1) % workers_.size()]->make_room(listener);
    return true;
  }

 private:
  std::mutex mutex_;
  std::vector<Worker*> workers_;
};

}  // namespace weir::daemon
