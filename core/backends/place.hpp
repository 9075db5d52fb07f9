#pragma once
// Where a handle refers to the op in flight of one direction. For backends: it owns nothing. The reactor's thread.

#include "core/reactor/handle.hpp"
#include "core/reactor/op.hpp"

namespace weir {

inline Op*& place_of(const Op& op) noexcept {
  return direction_of(op.kind) == Direction::in ? op.handle->in : op.handle->out;
}

}  // namespace weir
