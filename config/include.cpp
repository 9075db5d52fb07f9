#include "config/include.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <unordered_map>
#include <vector>

#include "config/expand.hpp"
#include "config/foreign_keys.hpp"
#include "config/path.hpp"
#include "core/base/path.hpp"

namespace weir::config {

namespace {

namespace fs = std::filesystem;

constexpr std::size_t max_files = 1000;
constexpr std::string_view small_example = "the smallest configuration is: listeners: { web: \":8080\" }, with routes "
                                           "or an upstream";

// `*` and `?` inside one path component. Names that begin with a dot want a pattern that does.
bool matches(std::string_view pattern, std::string_view name) {
  if (name.starts_with('.') && !pattern.starts_with('.')) return false;
  std::size_t p = 0;
  std::size_t n = 0;
  std::size_t star = std::string_view::npos;
  std::size_t star_name = 0;
  while (n < name.size()) {
    if (p < pattern.size() && (pattern[p] == '?' || pattern[p] == name[n]) && pattern[p] != '*') {
      ++p;
      ++n;
    } else if (p < pattern.size() && pattern[p] == '*') {
      star = p++;
      star_name = n;
    } else if (star != std::string_view::npos) {
      p = star + 1;
      n = ++star_name;
    } else {
      return false;
    }
  }
  while (p < pattern.size() && pattern[p] == '*') ++p;
  return p == pattern.size();
}

bool is_pattern(std::string_view text) { return text.find_first_of("*?") != std::string_view::npos; }

// The files a pattern names, sorted. Directories that cannot be read hold none.
std::vector<fs::path> expand_pattern(const fs::path& pattern) {
  std::vector<fs::path> found{pattern.root_path()};
  const fs::path relative = pattern.relative_path();
  for (const fs::path& component : relative) {
    std::vector<fs::path> next;
    for (const fs::path& directory : found) {
      const std::string wanted = text_of(component);
      if (!is_pattern(wanted)) {
        next.push_back(directory / component);
        continue;
      }
      std::error_code code;
      fs::directory_iterator entries(directory.empty() ? fs::path(".") : directory, code);
      for (; !code && entries != fs::directory_iterator(); entries.increment(code)) {
        const fs::path name = entries->path().filename();
        if (matches(wanted, text_of(name))) next.push_back(directory / name);
      }
    }
    found = std::move(next);
  }
  std::erase_if(found, [](const fs::path& path) {
    std::error_code code;
    return !fs::is_regular_file(path, code);
  });
  std::sort(found.begin(), found.end());
  return found;
}

std::string identity(const fs::path& path) {
  std::error_code code;
  const fs::path canonical = fs::weakly_canonical(path, code);
  return text_of(code ? path.lexically_normal() : canonical);
}

class Includer {
 public:
  explicit Includer(Tree& tree) : tree_(tree) {}

  // Merges what `root` includes into it.
  void run(Node& root, const fs::path& self) {
    chain_.push_back(identity(self));
    loaded_.insert(chain_.back());
    if (Node* wanted = take_include(root)) {
      const Path top;
      const Path path(top, "include");
      if (wanted->kind == Kind::list) {
        for (Node* at = wanted->first; at; at = at->next) include_text(root, *at, path);
      } else if (wanted->kind != Kind::null) {
        include_text(root, *wanted, path);
      }
    }
    chain_.pop_back();
  }

 private:
  static Node* take_include(Node& root) {
    Node* before = nullptr;
    for (Node* key = root.first; key; before = key->next, key = key->next->next) {
      if (key->view() != "include") continue;
      (before ? before->next : root.first) = key->next->next;
      --root.size;
      return key->next;
    }
    return nullptr;
  }

  void include_text(Node& root, Node& from, const Path& path) {
    if (!from.is_scalar() || from.is(Node::from_file)) {
      tree_.report(Severity::error, from, path.text(), "include takes a file name, a pattern or a list of them",
                   "include: conf.d/*.yaml");
      return;
    }
    if (!expand(tree_, from, path)) return;
    if (from.size == 0) {
      tree_.report(Severity::error, from, path.text(), "include names no file", "include: conf.d/*.yaml");
      return;
    }
    const fs::path wanted = (tree_.source(from).directory / path_of(from.view())).lexically_normal();
    if (!is_pattern(from.view())) {
      include_file(root, from, wanted, false);
      return;
    }
    for (const fs::path& file : expand_pattern(wanted)) include_file(root, from, file, true);
  }

  void include_file(Node& root, Node& from, const fs::path& file, bool by_pattern) {
    const std::string id = identity(file);
    if (std::find(chain_.begin(), chain_.end(), id) != chain_.end()) {
      if (by_pattern) return;
      tree_.report(Severity::error, from, "include", fmt::format("{} includes itself in the end", text_of(file)),
                   fmt::format("the includes go round: {} -> {}", fmt::join(chain_, " -> "), id));
      return;
    }
    if (!loaded_.insert(id).second) return;
    std::string text;
    std::string why;
    if (tree_.source_count() >= max_files) why = fmt::format("more than {} files are included", max_files);
    if (!why.empty() || !read_text_file(file, max_file_bytes, text, why)) {
      tree_.report(Severity::error, from, "include", fmt::format("cannot read {}: {}", text_of(file), why),
                   "a relative path is relative to the directory of this file; a pattern (*.yaml) may match nothing");
      return;
    }
    Node* included = tree_.parse(text_of(file), file.parent_path(), std::move(text));
    if (!included) return;  // no YAML, which was reported, or empty
    if (included->kind != Kind::map) {
      tree_.report(Severity::error, *included, {}, "a configuration file is a map of keys", std::string(small_example));
      return;
    }
    run(*included, file);
    merge(root, *included, 0, Path());
  }

  void merge(Node& into, Node& from, int depth, const Path& path) {
    std::unordered_map<std::string_view, Node*> known;
    Node* last = nullptr;
    for (Node* key = into.first; key; key = key->next->next) {
      known.emplace(key->view(), key);
      last = key->next;
    }
    for (Node* key = from.first; key;) {
      Node* value = key->next;
      Node* following = value->next;
      const auto there = known.find(key->view());
      if (there == known.end()) {
        (last ? last->next : into.first) = key;
        value->next = nullptr;
        last = value;
        ++into.size;
      } else {
        merge_value(*there->second, *key, depth, Path(path, key->view()));
      }
      key = following;
    }
  }

  void merge_value(Node& key_there, Node& key, int depth, const Path& path) {
    Node& there = *key_there.next;
    Node& value = *key.next;
    if (value.kind == Kind::null && depth == 0) return;
    if (depth == 0 && there.kind == Kind::map && value.kind == Kind::map) {
      merge(there, value, 1, path);
      return;
    }
    if (depth == 0 && there.kind == Kind::null) {
      Node* following = there.next;
      there = value;
      there.next = following;
      return;
    }
    if (depth == 0 && key.view() == "routes" && there.kind == Kind::list && value.kind == Kind::list) {
      Node* last = there.first;
      while (last && last->next) last = last->next;
      (last ? last->next : there.first) = value.first;
      there.size += value.size;
      return;
    }
    tree_.report(Severity::error, key, path.text(), fmt::format("\"{}\" is defined twice", key.view()),
                 fmt::format("it is also defined at {}; keep one of the two", tree_.place(key_there)));
  }

  Tree& tree_;
  std::vector<std::string> chain_;
  std::set<std::string> loaded_;
};

std::string_view foreign_guide(const Node& root) { return root.is_scalar() ? guide_for(root.view()) : ""; }

Node* finish(Tree& tree, Node* root, std::string_view name, const fs::path& self) {
  if (!root) {
    if (tree.errors() == 0) {
      Diagnostic empty;
      empty.file = name;
      empty.line = 1;
      empty.column = 1;
      empty.message = "the file contains no configuration";
      empty.hint = small_example;
      tree.report(std::move(empty));
    }
    return nullptr;
  }
  if (root->kind != Kind::map) {
    const std::string_view guide = foreign_guide(*root);
    tree.report(Severity::error, *root, {}, "a configuration file is a map of keys",
                guide.empty() ? std::string(small_example)
                              : fmt::format("this looks like the configuration of another proxy: {} shows the "
                                            "equivalent for weir",
                                            guide));
    return nullptr;
  }
  const std::size_t before = tree.errors();
  Includer(tree).run(*root, self);
  return tree.errors() == before ? root : nullptr;
}

}  // namespace

Node* load_tree(Tree& tree, const fs::path& path) {
  std::string text;
  std::string why;
  if (!read_text_file(path, max_file_bytes, text, why)) {
    Diagnostic unreadable;
    unreadable.file = text_of(path);
    unreadable.message = fmt::format("cannot be read: {}", why);
    tree.report(std::move(unreadable));
    return nullptr;
  }
  return finish(tree, tree.parse(text_of(path), path.parent_path(), std::move(text)), text_of(path), path);
}

Node* load_tree(Tree& tree, std::string_view text, std::string_view name) {
  const fs::path path = path_of(name);
  return finish(tree, tree.parse(std::string(name), path.parent_path(), std::string(text)), name, path);
}

}  // namespace weir::config
