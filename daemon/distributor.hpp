#pragma once
// Distributor: deals the connections that one worker accepts to all of them in turn, where the system does not balance
// listening sockets itself (platform/balancing.hpp). Filled by the control thread before the accepting worker starts,
// then used on that worker's thread only. It owns no connection: what is not taken stays with the worker that offers it.

#include <cstddef>
#include <vector>

#include "daemon/worker.hpp"

namespace weir::daemon {

class Distributor {
 public:
  void add(Worker& worker) { others_.push_back(&worker); }

  // False: it is the accepting worker's own turn, or the one whose turn it is has ended.
  bool offer(const proxy::AcceptedConnection& connection) noexcept {
    const std::size_t turn = next_;
    next_ = turn == others_.size() ? 0 : turn + 1;
    return turn != 0 && others_[turn - 1]->take(connection);
  }

 private:
  std::vector<Worker*> others_;
  std::size_t next_ = 0;  // 0 is the accepting worker itself
};

}  // namespace weir::daemon
