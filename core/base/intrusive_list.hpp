#pragma once
// Containers whose links live inside the elements: no allocation, O(1) insert and remove. They own nothing; an element
// is in at most one list per link. One thread, except MpscQueue.

#include <atomic>
#include <cstddef>

#include "core/base/assert.hpp"

namespace weir {

// A doubly linked list link. An element derives from ListLink<Tag> once per list it can be in.
template <class Tag = void>
struct ListLink {
  ListLink* next = nullptr;
  ListLink* prev = nullptr;

  ListLink() noexcept = default;
  ListLink(const ListLink&) = delete;
  ListLink& operator=(const ListLink&) = delete;
  ~ListLink() { WEIR_ASSERT(!linked()); }

  bool linked() const noexcept { return next != nullptr; }
  void unlink() noexcept {
    next->prev = prev;
    prev->next = next;
    next = prev = nullptr;
  }
};

// Doubly linked, circular through a sentinel.
template <class T, class Tag = void>
class List {
 public:
  using Link = ListLink<Tag>;

  List() noexcept { head_.next = head_.prev = &head_; }
  List(const List&) = delete;
  List& operator=(const List&) = delete;
  ~List() {
    WEIR_ASSERT(empty());
    head_.next = head_.prev = nullptr;
  }

  bool empty() const noexcept { return head_.next == &head_; }
  void push_back(T& element) noexcept { insert(element, *head_.prev, head_); }
  void push_front(T& element) noexcept { insert(element, head_, *head_.next); }
  T& front() noexcept { return *static_cast<T*>(head_.next); }
  T& back() noexcept { return *static_cast<T*>(head_.prev); }
  static void erase(T& element) noexcept { static_cast<Link&>(element).unlink(); }

  T* pop_front() noexcept {
    if (empty()) return nullptr;
    T& first = front();
    erase(first);
    return &first;
  }

  // Moves every element of `other` behind ours.
  void splice_back(List& other) noexcept {
    while (T* element = other.pop_front()) push_back(*element);
  }

  // Calls visit(T&) for each element; visit may erase the element it was given.
  template <class Visit>
  void for_each(Visit&& visit) {
    for (Link* at = head_.next; at != &head_;) {
      Link* following = at->next;
      visit(*static_cast<T*>(at));
      at = following;
    }
  }

 private:
  static void insert(T& element, Link& before, Link& after) noexcept {
    Link& link = element;
    WEIR_ASSERT(!link.linked());
    link.prev = &before;
    link.next = &after;
    before.next = &link;
    after.prev = &link;
  }

  Link head_;
};

// Singly linked FIFO over a member `T* next`.
template <class T>
class Queue {
 public:
  bool empty() const noexcept { return first_ == nullptr; }
  T* front() noexcept { return first_; }

  void push(T& element) noexcept {
    WEIR_ASSERT(element.next == nullptr && last_ != &element);
    (last_ ? last_->next : first_) = &element;
    last_ = &element;
  }

  T* pop() noexcept {
    T* element = first_;
    if (element) {
      first_ = element->next;
      element->next = nullptr;
      if (!first_) last_ = nullptr;
    }
    return element;
  }

  void splice(Queue& other) noexcept {
    if (other.empty()) return;
    (last_ ? last_->next : first_) = other.first_;
    last_ = other.last_;
    other.first_ = other.last_ = nullptr;
  }

  // Removes `element` wherever it is; O(n).
  bool erase(T& element) noexcept {
    T* before = nullptr;
    for (T* at = first_; at; before = at, at = at->next) {
      if (at != &element) continue;
      (before ? before->next : first_) = at->next;
      if (last_ == at) last_ = before;
      at->next = nullptr;
      return true;
    }
    return false;
  }

 private:
  T* first_ = nullptr;
  T* last_ = nullptr;
};

// Many producers on any thread, one consumer. Elements have a member `T* next`. Order of arrival is kept.
template <class T>
class MpscQueue {
 public:
  // True if the queue was empty before: the caller then wakes the consumer.
  bool push(T& element) noexcept {
    T* head = head_.load(std::memory_order_relaxed);
    do {
      element.next = head;
    } while (!head_.compare_exchange_weak(head, &element, std::memory_order_release, std::memory_order_relaxed));
    return head == nullptr;
  }

  // Takes everything pushed so far, oldest first. Consumer only.
  Queue<T> take_all() noexcept {
    T* newest = head_.exchange(nullptr, std::memory_order_acquire);
    T* oldest = nullptr;
    while (newest) {
      T* following = newest->next;
      newest->next = oldest;
      oldest = newest;
      newest = following;
    }
    Queue<T> taken;
    while (oldest) {
      T* following = oldest->next;
      oldest->next = nullptr;
      taken.push(*oldest);
      oldest = following;
    }
    return taken;
  }

  bool empty() const noexcept { return head_.load(std::memory_order_relaxed) == nullptr; }

 private:
  std::atomic<T*> head_{nullptr};
};

}  // namespace weir
