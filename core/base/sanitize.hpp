#pragma once
// Tells the address sanitizer which pooled memory is free, so that a pool does not hide a use after give-back. Nothing
// happens in other builds. Any thread.

#include <cstddef>

#if defined(__SANITIZE_ADDRESS__)
#define WEIR_ADDRESS_SANITIZER 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define WEIR_ADDRESS_SANITIZER 1
#endif
#endif

// Some sanitizer that sees a call only where it goes through the C library.
#if defined(WEIR_ADDRESS_SANITIZER) || defined(__SANITIZE_THREAD__)
#define WEIR_SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer) || __has_feature(memory_sanitizer)
#define WEIR_SANITIZED 1
#endif
#endif

#ifdef WEIR_ADDRESS_SANITIZER
#include <sanitizer/asan_interface.h>
#endif

namespace weir {

inline void poison_memory([[maybe_unused]] const void* memory, [[maybe_unused]] std::size_t bytes) noexcept {
#ifdef WEIR_ADDRESS_SANITIZER
  ASAN_POISON_MEMORY_REGION(memory, bytes);
#endif
}

inline void unpoison_memory([[maybe_unused]] const void* memory, [[maybe_unused]] std::size_t bytes) noexcept {
#ifdef WEIR_ADDRESS_SANITIZER
  ASAN_UNPOISON_MEMORY_REGION(memory, bytes);
#endif
}

// For tests: is the byte marked as free? Always false without the sanitizer.
inline bool is_poisoned([[maybe_unused]] const void* memory) noexcept {
#ifdef WEIR_ADDRESS_SANITIZER
  return __asan_address_is_poisoned(memory) != 0;
#else
  return false;
#endif
}

}  // namespace weir
