#pragma once
// Objects of one type, each in an allocation of its own, reused last in, first out. For what is large and used in
// bursts: unlike a Slab it can give memory back. One thread.

#include <algorithm>
#include <cstddef>
#include <new>
#include <utility>

#include "core/base/assert.hpp"
#include "core/base/sanitize.hpp"

namespace weir {

template <class T>
class ObjectPool {
 public:
  ObjectPool() noexcept = default;
  ObjectPool(const ObjectPool&) = delete;
  ObjectPool& operator=(const ObjectPool&) = delete;
  ~ObjectPool() {
    WEIR_VERIFY(live_ == 0);
    trim(0);
  }

  template <class... Args>
  T* make(Args&&... args) {
    void* memory = free_ ? pop() : ::operator new (sizeof(T), std::align_val_t{alignof(T)});
    try {
      T* object = ::new (memory) T(std::forward<Args>(args)...);
      peak_ = std::max(peak_, ++live_);
      return object;
    } catch (...) {
      push(memory);
      throw;
    }
  }

  void destroy(T* object) noexcept {
    static_assert(sizeof(T) >= sizeof(Free));
    object->~T();
    push(object);
    --live_;
  }

  std::size_t live() const noexcept { return live_; }
  std::size_t allocated() const noexcept { return live_ + free_count_; }
  // The most that were live at once since the last call.
  std::size_t take_peak() noexcept { return std::exchange(peak_, live_); }

  // Keeps `keep` objects' memory in all, live ones included; gives the rest of the free ones back to the heap.
  void trim(std::size_t keep) noexcept {
    while (free_ && live_ + free_count_ > keep) { ::operator delete (pop(), std::align_val_t{alignof(T)}); }
  }

 private:
  struct Free {
    Free* next;
  };

  void* pop() noexcept {
    unpoison_memory(free_, sizeof(T));
    --free_count_;
    return std::exchange(free_, free_->next);
  }
  void push(void* memory) noexcept {
    free_ = ::new (memory) Free{free_};
    ++free_count_;
    poison_memory(memory, sizeof(T));
  }

  Free* free_ = nullptr;
  std::size_t free_count_ = 0;
  std::size_t live_ = 0;
  std::size_t peak_ = 0;
};

}  // namespace weir
