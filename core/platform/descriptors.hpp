#pragma once
// The process's descriptors as a resource: how many there may be, how many there are, and copies of one. Control
// thread.

#include <cstddef>

#include "core/base/error.hpp"
#include "core/reactor/handle.hpp"

namespace weir::platform {

// Raises the limit of open descriptors to the most that the process may have, and returns what it is then.
std::size_t raise_descriptor_limit() noexcept;

// How many are open now.
std::size_t open_descriptors() noexcept;

// Another descriptor for the same object, not inherited by child processes.
Result<NativeHandle> duplicate(NativeHandle native) noexcept;

// Writes all of the bytes to a descriptor that was handed to the process, then closes it. False: not all were taken.
bool write_and_close(int descriptor, const char* data, std::size_t size) noexcept;

}  // namespace weir::platform
