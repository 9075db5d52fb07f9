#pragma once
// Path: where in the configuration a reader stands, as a chain of stack frames. Costs nothing until a message needs its
// text. A Path outlives the Paths made from it.

#include <fmt/format.h>

#include <string>
#include <string_view>

namespace weir::config {

class Path {
 public:
  Path() = default;  // the top level
  Path(const Path& parent, std::string_view key) : parent_(&parent), key_(key) {}
  Path(const Path& parent, std::size_t index) : parent_(&parent), index_(index), is_index_(true) {}
  Path(const Path&&, std::string_view) = delete;  // the parent must outlive this
  Path(const Path&&, std::size_t) = delete;

  // "routes[3].timeout.idle"; empty for the top level.
  std::string text() const {
    if (!parent_) return {};
    const std::string before = parent_->text();
    if (is_index_) return fmt::format("{}[{}]", before, index_);
    return before.empty() ? std::string{key_} : fmt::format("{}.{}", before, key_);
  }

 private:
  const Path* parent_ = nullptr;
  std::string_view key_;
  std::size_t index_ = 0;
  bool is_index_ = false;
};

}  // namespace weir::config
