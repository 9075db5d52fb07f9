#pragma once
// TrimTimer: gives memory that a burst has left behind in a worker's pools back to the heap, and tells the owner. What
// the busiest moment of the last interval needed is kept, so a steady load neither allocates nor frees. It is armed
// only while there is activity: an idle worker is not woken. Worker's thread.

#include <cstddef>
#include <vector>

#include "core/base/object_pool.hpp"
#include "core/reactor/reactor.hpp"

namespace weir::proxy {

class TrimTimer : Timer {
 public:
  // `memory_freed` may be null.
  TrimTimer(Reactor& reactor, void (*memory_freed)(void* context) noexcept, void* context) noexcept;
  TrimTimer(const TrimTimer&) = delete;
  TrimTimer& operator=(const TrimTimer&) = delete;

  // Is it worth telling the owner that a pool has shrunk?
  enum class Worth : bool { no, yes };

  // The pool outlives the timer. May throw std::bad_alloc.
  template <class T>
  void watch(ObjectPool<T>& pool, Worth worth) {
    pools_.push_back({&pool, worth, [](void* at) noexcept {
                        auto& it = *static_cast<ObjectPool<T>*>(at);
                        const std::size_t peak = it.take_peak();
                        const std::size_t before = it.allocated();
                        it.trim(peak);
                        return Trimmed{peak, before - it.allocated()};
                      }});
  }

  // The pools are trimmed in a while, and again until nothing happens any more.
  void note_activity() noexcept {
    if (!armed()) reactor_.timers().arm(*this, reactor_.now() + interval);
  }

 private:
  static constexpr Duration interval = std::chrono::milliseconds{400};
  struct Trimmed {
    std::size_t peak, freed;  // objects
  };
  struct Pool {
    void* pool;
    Worth worth;
    Trimmed (*trim)(void* pool) noexcept;
  };

  void trim_pools() noexcept;

  Reactor& reactor_;
  void (*memory_freed_)(void* context) noexcept;
  void* context_;
  std::vector<Pool> pools_;
};

}  // namespace weir::proxy
