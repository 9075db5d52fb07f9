#pragma once
// What SimBackend keeps in Op::slot while an operation is lent to it: enough to notice that the operation, its handle
// or its arguments were touched meanwhile. One thread.

#include <cstdint>
#include <cstring>
#include <new>

#include "core/base/assert.hpp"
#include "core/reactor/op.hpp"

namespace weir::sim {

struct SlotData {
  static constexpr std::uint64_t lent = 0x6c656e74206f7021;
  std::uint64_t magic = lent;
  const Op* self = nullptr;
  Handle* handle = nullptr;
  std::uint64_t serial = 0;  // of the submission, for the trace
  OpKind kind{};
  bool has_result = false;
};
static_assert(sizeof(SlotData) <= sizeof(Op::slot));

inline SlotData& slot_of(Op& op) noexcept { return *std::launder(reinterpret_cast<SlotData*>(op.slot)); }

// Precondition of everything the backend does with an operation it was lent.
inline void check_lent(Op& op) noexcept {
  const SlotData& slot = slot_of(op);
  WEIR_VERIFY(slot.magic == SlotData::lent);
  WEIR_VERIFY(slot.self == &op);
  WEIR_VERIFY(slot.handle == op.handle);
  WEIR_VERIFY(slot.kind == op.kind);
  WEIR_VERIFY(op.state == OpState::in_flight || op.state == OpState::cancelling);
}

}  // namespace weir::sim
