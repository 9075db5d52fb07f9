#pragma once
// Assertions in three tiers. They own nothing, run on any thread and never throw.
//
//   WEIR_ASSERT(condition)           debug builds: a broken invariant inside one module
//   WEIR_VERIFY(condition)           every build: going on would corrupt memory or lose a request
//   WEIR_EXPECT(condition, counter)  every build: counts and goes on; for what a peer or a kernel may do to us
//
// The first two print the expression, file and line to stderr and abort.

#include <cstdint>

namespace weir {

[[noreturn]] void assertion_failed(const char* expression, const char* file, int line) noexcept;

}  // namespace weir

#define WEIR_VERIFY(condition) \
  (static_cast<bool>(condition) ? void(0) : ::weir::assertion_failed(#condition, __FILE__, __LINE__))

#ifdef NDEBUG
#define WEIR_ASSERT(condition) void(0)
#else
#define WEIR_ASSERT(condition) WEIR_VERIFY(condition)
#endif

#define WEIR_EXPECT(condition, counter) (static_cast<bool>(condition) ? void(0) : void(++(counter)))
