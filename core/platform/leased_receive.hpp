#pragma once
// A leased receive in terms of a plain one, the same on every system. The thread of the handle.

#include <cstddef>
#include <span>

#include "core/platform/sockets.hpp"

namespace weir::platform {

// One attempt of `receive` into the room of the lease's buffer. An empty one takes a block of the pool first, and gives
// it back unless bytes have come.
template <Attempt (*receive)(Op& op, char* data, std::size_t size) noexcept>
Attempt receive_leased(Op& op) noexcept {
  Buffer& into = *op.lease.into;
  const bool taken = !into;
  if (taken) {
    into = op.lease.pool->take();
    if (!into) {
      op.bytes = 0;
      op.error = Errc::out_of_memory;
      return Attempt::done;
    }
  }
  const std::span<char> room = into.room();
  const Attempt attempt = receive(op, room.data(), room.size());
  if (attempt != Attempt::would_block && op.bytes > 0) {
    into.commit(op.bytes);
  } else if (taken) {
    into.reset();
  }
  return attempt;
}

}  // namespace weir::platform
