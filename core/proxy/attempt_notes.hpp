#pragma once
// AttemptNotes: what came of each attempt of one exchange, kept for its line in the access log: sixteen bytes an attempt,
// none of them on the heap. Belongs to the exchange; the worker's thread only.

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include "core/base/time.hpp"
#include "core/proxy/ending.hpp"
#include "core/proxy/spec.hpp"

namespace weir::proxy {

struct AttemptNote {
  const EndpointSpec* endpoint;
  std::uint32_t us;  // from its start to its end, or to the head of the response; at most 71 minutes
  Ending ending;
  bool reused;       // on a kept connection
};

class AttemptNotes {
 public:
  static constexpr std::size_t most = 8;

  // One more than fit is not noted.
  void add(const EndpointSpec& endpoint, Duration time, Ending ending, bool reused) noexcept {
    if (count_ == most) return;
    const std::int64_t us = std::clamp<std::int64_t>(time.count() / 1000, 0, UINT32_MAX);
    notes_[count_++] = {&endpoint, static_cast<std::uint32_t>(us), ending, reused};
  }
  bool empty() const noexcept { return count_ == 0; }
  std::span<const AttemptNote> all() const noexcept { return {notes_.data(), count_}; }

 private:
  std::array<AttemptNote, most> notes_;  // the first count_ of them
  std::uint8_t count_ = 0;
};

}  // namespace weir::proxy
