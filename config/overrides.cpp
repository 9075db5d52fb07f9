#include "config/overrides.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "config/path.hpp"
#include "config/text.hpp"
#include "core/reactor/platforms.hpp"

namespace weir::config {

namespace {

// The value of the key, which is no longer in the map; null when it is not there.
Node* take(Node& map, std::string_view name) {
  Node* before = nullptr;
  for (Node* key = map.first; key; before = key->next, key = key->next->next) {
    if (key->view() != name) continue;
    (before ? before->next : map.first) = key->next->next;
    --map.size;
    return key->next;
  }
  return nullptr;
}

void append(Node& map, Node& key) {
  Node* last = nullptr;
  for (Node* at = map.first; at; at = at->next->next) last = at->next;
  (last ? last->next : map.first) = &key;
  key.next->next = nullptr;
  ++map.size;
}

void merge(Node& into, Node& from) {
  for (Node* key = from.first; key;) {
    Node* value = key->next;
    Node* following = value->next;
    Node* there = find(into, key->view());
    if (value->kind == Kind::null) {
      take(into, key->view());
    } else if (there && there->kind == Kind::map && value->kind == Kind::map) {
      merge(*there, *value);
    } else {
      take(into, key->view());
      append(into, *key);
    }
    key = following;
  }
}

void refuse_keys_about_files(Tree& tree, const Node& section, const Path& path) {
  for (const Node* key = section.first; key; key = key->next->next) {
    if (key->view() != "include" && key->view() != "platform") continue;
    tree.report(Severity::error, *key, Path(path, key->view()).text(),
                fmt::format("\"{}\" cannot depend on the platform", key->view()),
                "write it at the top level of the file");
  }
}

}  // namespace

std::vector<Os> apply_overrides(Tree& tree, Node& root, std::optional<Os> os) {
  std::vector<Os> named;
  Node* section = take(root, "platform");
  if (!section || section->kind == Kind::null) return named;
  const Path top;
  const Path path(top, "platform");
  if (section->kind != Kind::map) {
    tree.report(Severity::error, *section, path.text(), "expected a map of systems",
                "platform: { windows: { runtime: { workers: 2 } } }");
    return named;
  }
  for (Node* key = section->first; key; key = key->next->next) {
    const Path here(path, key->view());
    const auto system = os_named(key->view());
    if (!system) {
      const std::string_view meant = closest(key->view(), os_names());
      tree.report(Severity::error, *key, here.text(), fmt::format("there is no platform \"{}\"", key->view()),
                  fmt::format("{}There are {}", meant.empty() ? "" : fmt::format("did you mean \"{}\"? ", meant),
                              joined(os_names())));
      continue;
    }
    Node& value = *key->next;
    if (value.kind == Kind::null) continue;
    if (value.kind != Kind::map) {
      tree.report(Severity::error, value, here.text(), "expected a map of the same keys as at the top level of the "
                                                       "file");
      continue;
    }
    named.push_back(*system);
    refuse_keys_about_files(tree, value, here);
    if (os == system) merge(root, value);
  }
  return named;
}

}  // namespace weir::config
