#pragma once
// Reader: typed access to the tree, and notes about what the values ask of a platform. Every function reports what is wrong, with its place and remedy, and returns
// nothing then; reading goes on, so that one load finds everything. A node may be null (the key is absent) only where
// said.

#include <concepts>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "config/demands.hpp"
#include "config/keys.hpp"
#include "config/path.hpp"
#include "config/text.hpp"
#include "config/tree.hpp"
#include "core/proxy/spec.hpp"

namespace weir::config {

enum class Zero { allowed, refused };

class Reader {
 public:
  explicit Reader(Tree& tree) : tree_(tree) {}

  Tree& tree() noexcept { return tree_; }

  // Notes that the value at this place needs a feature of the platform: see Demand.
  void demand(Feature feature, const Node& at, const Path& path, std::string what) {
    demands_.features.push_back({feature, std::move(what), tree_.place_of(at, path.text())});
  }
  Demands& demands() noexcept { return demands_; }

  void error(const Node& at, const Path& path, std::string message, std::string hint = {}) {
    tree_.report(Severity::error, at, path.text(), std::move(message), std::move(hint));
  }
  void warning(const Node& at, const Path& path, std::string message, std::string hint = {}) {
    tree_.report(Severity::warning, at, path.text(), std::move(message), std::move(hint));
  }
  // "found a list, where X is expected".
  void wrong_kind(const Node& at, const Path& path, std::string_view expected, std::string hint = {});

  // The views live as long as the tree. `left`: see expand().
  std::optional<std::string_view> text(Node& node, const Path& path, std::span<const std::string_view> left = {});
  std::optional<bool> boolean(Node& node, const Path& path);
  std::optional<std::uint64_t> integer(Node& node, const Path& path, std::uint64_t low, std::uint64_t high);
  std::optional<Duration> duration(Node& node, const Path& path, Zero zero = Zero::allowed);
  std::optional<std::uint64_t> size(Node& node, const Path& path, std::uint64_t low, std::uint64_t high);
  std::optional<std::size_t> choice(Node& node, const Path& path, std::span<const std::string_view> choices);

  // Calls visit(Node&, const Path&) for each element of a list, or once for a value that stands alone.
  template <std::invocable<Node&, const Path&> Visit>
  void each(Node& node, const Path& path, Visit&& visit) {
    if (node.kind != Kind::list) {
      visit(node, path);
      return;
    }
    std::size_t index = 0;
    for (Node* at = node.first; at; at = at->next) visit(*at, Path(path, index++));
  }

  // Calls visit(Node& key, Node& value, const Path&) for each entry of a map. Null counts as empty.
  template <std::invocable<Node&, Node&, const Path&> Visit>
  void entries(Node& node, const Path& path, std::string_view expected, Visit&& visit) {
    if (node.kind == Kind::null) return;
    if (node.kind != Kind::map) {
      wrong_kind(node, path, expected);
      return;
    }
    for (Node* key = node.first; key; key = key->next->next) visit(*key, *key->next, Path(path, key->view()));
  }

  // "there is no upstream "ap"", with the nearest of the known names.
  void unknown_name(const Node& at, const Path& path, std::string_view kind, std::string_view name,
                    std::span<const std::string_view> known);

  proxy::Origin origin(const Node& node);

  // A relative path starts from the directory of the file that holds the node.
  std::string beside_file(const Node& node, std::string_view path);

 private:
  bool scalar(Node& node, const Path& path, std::string_view expected);

  Tree& tree_;
  Demands demands_;
};

// The keys of one map, checked against the table.
class Fields {
 public:
  // A null node gives no fields. One that is not a map is reported.
  Fields(Reader& reader, Node* node, const Path& path, const Object& object);

  const Path& path() const noexcept { return path_; }
  Node& node() const noexcept { return *node_; }
  bool has_unknown() const noexcept { return has_unknown_; }  // a key that is not in the table, which was reported
  Node* operator[](std::string_view key) const;  // null when absent. The key is in the table: asserted
  Path at(std::string_view key) const { return Path(path_, key); }

  // Reads every key whose value is a member of Owner. Like all below, leaves what is absent or wrong as it is.
  template <class Owner>
  void read_members(Owner& out) {
    for (const Key& key : object_.keys) {
      std::visit(
          [&](auto member) {
            if constexpr (requires { out.*member; }) read(key.name, out.*member);
          },
          key.member);
    }
  }
  void read(std::string_view key, bool& out);
  void read(std::string_view key, Duration& out, Zero zero = Zero::allowed);
  void read(std::string_view key, std::string& out);
  void read(std::string_view key, std::uint32_t& out);  // within the table's bounds
  template <std::unsigned_integral Size>
  void read_size(std::string_view key, Size& out, std::uint64_t low, std::uint64_t high) {
    if (const auto value = size(key, low, high)) out = static_cast<Size>(*value);
  }

 private:
  std::optional<std::uint64_t> size(std::string_view key, std::uint64_t low, std::uint64_t high) const;
  void report_unknown(const Node& key);

  Reader& reader_;
  Node* node_;
  const Path& path_;
  const Object& object_;
  bool has_unknown_ = false;
};

}  // namespace weir::config
