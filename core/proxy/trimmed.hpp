#pragma once
// Trimmed: a part of a worker that keeps memory for the next burst and can give it back. One thread.

#include <cstddef>

namespace weir::proxy {

class Trimmed {
 public:
  struct Result {
    std::size_t freed = 0;  // objects
    bool busy = false;      // some of them were in use since the last call
  };
  // Keeps what the busiest moment since the last call needed, and gives the rest back to the heap.
  virtual Result trim() noexcept = 0;

 protected:
  ~Trimmed() = default;
};

}  // namespace weir::proxy
