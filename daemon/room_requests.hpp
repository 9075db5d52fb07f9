#pragma once
// RoomRequests: at a limit of the process, a worker without an idle client asks the others, one after the other, to close
// the one that has been idle longest there. Any thread; the workers are added and cleared by the control thread.

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

  // Asks the next one in turn. How many others there are: after so many calls each was asked.
  std::size_t ask(const Worker& asking, std::uint32_t listener) noexcept {
    const std::lock_guard lock(mutex_);
    if (workers_.size() < 2) return 0;
    next_ = (next_ + 1) % workers_.size();
    if (workers_[next_] == &asking) next_ = (next_ + 1) % workers_.size();
    workers_[next_]->make_room(listener);
    return workers_.size() - 1;
  }

 private:
  std::mutex mutex_;
  std::vector<Worker*> workers_;
  std::size_t next_ = 0;
};

}  // namespace weir::daemon
