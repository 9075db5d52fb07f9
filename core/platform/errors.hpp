#pragma once
// The operating system's error numbers as weir's portable codes. Any thread; owns nothing.

#include "core/base/error.hpp"

namespace weir::platform {

// The number is kept in Error::native for the log.
Error error_from(int number) noexcept;
Error last_error() noexcept;  // of the calling thread

}  // namespace weir::platform
