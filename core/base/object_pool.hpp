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
      T* object = construct(memory, std::forward<Args>(args)...);
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

  // Without arguments, what a T leaves uninitialised stays so: T() would first set all of a large object to zero.
  template <class... Args>
  static T* construct(void* memory, Args&&... args) {
    if constexpr (sizeof...(Args) == 0) {
      return ::new (memory) T;
    } else {
      return ::new (memory) T(std::forward<Args>(args)...);
    }
  }

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

// An object of a pool that is held only while it is needed. open() makes sure there is one and resets it with the given
// arguments; release() gives it back. Not movable; released when destroyed.
template <class T>
class Lease {
 public:
  explicit Lease(ObjectPool<T>& pool) noexcept : pool_(pool) {}
  Lease(const Lease&) = delete;
  Lease& operator=(const Lease&) = delete;
  ~Lease() { release(); }

  template <class... Args>
  T& open(Args&&... args) {
    if (!object_) object_ = pool_.make();
    object_->reset(std::forward<Args>(args)...);
    return *object_;
  }
  void release() noexcept {
    if (T* object = std::exchange(object_, nullptr)) pool_.destroy(object);
  }

  explicit operator bool() const noexcept { return object_ != nullptr; }
  T& operator*() const noexcept { return *object_; }
  T* operator->() const noexcept { return object_; }

 private:
  ObjectPool<T>& pool_;
  T* object_ = nullptr;
};

}  // namespace weir
