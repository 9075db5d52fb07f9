#pragma once
// Words that operational events of the engine share. Pure.

#include <string>

#include "core/base/error.hpp"
#include "core/reactor/restrictions.hpp"

namespace weir::proxy {

// A rule's sentence with its id, by which the documentation lists it.
inline std::string sentence_of(const Restriction& rule) {
  return std::string(rule.sentence).append(" [").append(rule.id).append("]");
}

// Why something failed: by a platform rule, or as the system says.
inline std::string reason_of(const Error& error) {
  const Restriction* rule = restriction(error.rule);
  return rule ? sentence_of(*rule) : describe(error);
}

}  // namespace weir::proxy
