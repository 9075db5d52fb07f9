#pragma once
// For tests of listening sockets that make a specification on the stack.

#include <memory>

#include "core/proxy/snapshot.hpp"

namespace weir::test {

// Without ownership: the specification outlives whatever holds it.
inline std::shared_ptr<const proxy::Spec> held(const proxy::Spec& spec) {
  return std::shared_ptr<const proxy::Spec>(std::shared_ptr<const proxy::Spec>(), &spec);
}
inline std::shared_ptr<const proxy::Snapshot> compiled(const proxy::Spec& spec) {
  return std::make_shared<const proxy::Snapshot>(held(spec));
}

}  // namespace weir::test
