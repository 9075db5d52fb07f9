#pragma once
// Objects of one type from chunks of memory, reused last in, first out. One thread. A slab never moves an object and
// gives its chunks back only when it is destroyed, so an address is stable and a steady state allocates nothing.

#include <cstddef>
#include <memory>
#include <new>
#include <utility>
#include <vector>

#include "core/base/assert.hpp"

namespace weir {

template <class T, std::size_t ChunkObjects = 32>
class Slab {
 public:
  Slab() noexcept = default;
  Slab(const Slab&) = delete;
  Slab& operator=(const Slab&) = delete;
  ~Slab() { WEIR_VERIFY(live_ == 0); }

  // Constructs a T; throws only what its constructor throws, or std::bad_alloc when a new chunk cannot be had.
  template <class... Args>
  T* make(Args&&... args) {
    if (!free_) grow();
    Node* node = free_;
    free_ = node->next;
    T* object = ::new (static_cast<void*>(node)) T(std::forward<Args>(args)...);
    ++live_;
    return object;
  }

  void destroy(T* object) noexcept {
    object->~T();
    Node* node = ::new (static_cast<void*>(object)) Node{free_};
    free_ = node;
    --live_;
  }

  std::size_t live() const noexcept { return live_; }

 private:
  struct Node { Node* next; };
  struct alignas(T) alignas(Node) Cell { std::byte bytes[sizeof(T) > sizeof(Node) ? sizeof(T) : sizeof(Node)]; };

  void grow() {
    chunks_.push_back(std::make_unique<Cell[]>(ChunkObjects));
    Cell* cells = chunks_.back().get();
    for (std::size_t i = ChunkObjects; i-- > 0;) free_ = ::new (static_cast<void*>(&cells[i])) Node{free_};
  }

  Node* free_ = nullptr;
  std::size_t live_ = 0;
  std::vector<std::unique_ptr<Cell[]>> chunks_;
};

}  // namespace weir
