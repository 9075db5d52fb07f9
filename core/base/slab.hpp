#pragma once
// Objects of one type from chunks of memory, reused last in, first out. One thread. A slab never moves an object and
// gives its chunks back only when it is destroyed, so an address is stable and a steady state allocates nothing.

#include <cstddef>
#include <memory>
#include <new>
#include <utility>
#include <vector>

#include "core/base/assert.hpp"
#include "core/base/sanitize.hpp"

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
    unpoison_memory(node, sizeof(Cell));
    free_ = node->next;
    try {
      T* object = ::new (static_cast<void*>(node)) T(std::forward<Args>(args)...);
      ++live_;
      return object;
    } catch (...) {
      put(node);
      throw;
    }
  }

  void destroy(T* object) noexcept {
    object->~T();
    put(object);
    --live_;
  }

  std::size_t live() const noexcept { return live_; }

 private:
  struct Node {
    Node* next;
  };
  // One alignas: of two, GCC 12 takes the last instead of the strictest.
  static constexpr std::size_t cell_align = alignof(T) > alignof(Node) ? alignof(T) : alignof(Node);
  struct alignas(cell_align) Cell {
    std::byte bytes[sizeof(T) > sizeof(Node) ? sizeof(T) : sizeof(Node)];
  };

  void grow() {
    chunks_.push_back(std::make_unique<Cell[]>(ChunkObjects));
    Cell* cells = chunks_.back().get();
    for (std::size_t i = ChunkObjects; i-- > 0;) put(&cells[i]);
  }

  void put(void* cell) noexcept {
    free_ = ::new (cell) Node{free_};
    poison_memory(cell, sizeof(Cell));
  }

  Node* free_ = nullptr;
  std::size_t live_ = 0;
  std::vector<std::unique_ptr<Cell[]>> chunks_;
};

}  // namespace weir
