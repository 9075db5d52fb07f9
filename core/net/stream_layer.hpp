#pragma once
// StreamLayer: what stands between the bytes of a connection and those of its user, for instance the records of TLS. Bytes
// in, bytes out: it knows no socket and no clock, and allocates nothing for a stream that is idle. A Stream calls it for
// all that it receives and sends, and must not be destroyed before that is closed. The reactor's thread only.

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "core/base/buffer.hpp"
#include "core/base/error.hpp"

namespace weir {

class StreamLayer {
 public:
  struct Opened {
    std::size_t consumed = 0;  // sealed bytes that are used up
    std::size_t produced = 0;  // plain bytes that were written
    bool ended = false;        // the peer has said that nothing follows
  };
  // Opens as much of `sealed` as fits `room`. Nothing consumed and nothing produced: more bytes are needed. An error ends the
  // stream.
  virtual Result<Opened> open(std::string_view sealed, std::span<char> room) noexcept = 0;
  // It holds plain bytes that did not fit: open() gives them without a sealed byte.
  virtual bool holds_plain() const noexcept = 0;

  struct Sealed {
    std::size_t taken = 0;    // plain bytes, from the first slice on
    std::size_t written = 0;  // sealed bytes
  };
  // Seals as much of the slices as fits `room`, which is a block of the pool or what is left of one. Nothing taken: the room
  // is too small.
  virtual Result<Sealed> seal(std::span<const IoSlice> plain, std::span<char> room) noexcept = 0;

  // The stream's own, which nobody else touches.
  struct Pending {
    Buffer received;  // sealed, and not opened yet; no block while there is nothing
    Buffer to_send;   // sealed, and not sent yet; likewise
    IoSlice slice;    // of to_send, on its way
    bool ended = false;
    bool receive_cancelled = false;  // what it brought all the same may be no whole record, and must not be waited for
  };
  Pending pending;

 protected:
  ~StreamLayer() = default;
};

}  // namespace weir
