#pragma once
// Tree: the nodes of one configuration with the place each was written at, built from yaml-cpp's events. Compact (32
// bytes a node, one arena for nodes and texts), since a file may hold ten thousand routes. Aliases are copies of what
// they name, merge keys are resolved, so a reader sees only scalars, lists and maps. Lives while a file is loaded.

#include <cstdint>
#include <deque>
#include <filesystem>
#include <memory_resource>
#include <string>
#include <string_view>
#include <vector>

#include "config/diagnostic.hpp"

namespace weir::config {

enum class Kind : std::uint8_t { null, scalar, list, map };

struct Node {
  // Bits of `flags`.
  static constexpr std::uint8_t quoted = 1;     // quoted or a block text, or tagged !!str
  static constexpr std::uint8_t from_file = 2;  // tagged !file, not read yet
  static constexpr std::uint8_t expanded = 4;   // ${...} or !file is done; the result follows no YAML typing

  Kind kind = Kind::null;
  std::uint8_t flags = 0;
  std::uint16_t file = 0;    // index into Tree's sources
  std::uint32_t line = 0;    // 0-based
  std::uint32_t column = 0;  // 0-based, in bytes
  std::uint32_t size = 0;    // bytes of a text, elements of a list, keys of a map
  union {
    const char* text = nullptr;
    Node* first;  // of a list: its elements; of a map: key, value, key, value
  };
  Node* next = nullptr;

  bool is(std::uint8_t flag) const noexcept { return (flags & flag) != 0; }
  bool is_scalar() const noexcept { return kind == Kind::scalar; }
  std::string_view view() const noexcept { return kind == Kind::scalar ? std::string_view{text, size} : ""; }
};
static_assert(sizeof(Node) == 32);

class Source {
 public:
  Source(std::string its_name, std::filesystem::path its_directory, std::string its_text)
      : name(std::move(its_name)), directory(std::move(its_directory)), text(std::move(its_text)) {}

  std::string name;                 // as messages call it
  std::filesystem::path directory;  // what relative paths in it start from
  std::string text;
  std::vector<std::uint32_t> line_starts;  // filled on first use

  std::string_view line(std::uint32_t index);  // 0-based, without its line end
  // 1-based and in characters, of a byte of a line. Cheap when asked in order, also in one very long line.
  int column(std::uint32_t line_index, std::uint32_t byte);

 private:
  struct Counted {
    std::uint32_t line = 0, byte = 0;
    int characters = 0;
  };
  Counted counted_;  // the place asked for last
};

class Tree {
 public:
  Tree() = default;
  Tree(const Tree&) = delete;
  Tree& operator=(const Tree&) = delete;

  // Parses one source. Null when it is no YAML or holds nothing: an error was reported in the first case. The name of
  // the source is the one that messages show.
  Node* parse(std::string name, std::filesystem::path directory, std::string text);

  Node* new_node() { return new (arena_.allocate(sizeof(Node), alignof(Node))) Node; }
  const char* keep(std::string_view text);  // a copy that lives as long as the tree

  Source& source(const Node& node) noexcept { return sources_[node.file]; }
  std::size_t source_count() const noexcept { return sources_.size(); }
  std::string place(const Node& node);  // "weir.yaml:12:5"

  void report(Severity severity, const Node& at, std::string key_path, std::string message, std::string hint = {});
  // Where the node stands, as the beginning of a message that is written later.
  Diagnostic place_of(const Node& at, std::string key_path);
  void report(Diagnostic diagnostic);          // about a file as a whole, before everything else
  std::vector<Diagnostic> take_diagnostics();  // in the order of the files
  std::size_t errors() const noexcept { return errors_; }

 private:
  friend class TreeBuilder;
  struct Finding {
    std::uint32_t file, line, column;  // 0-based
    std::size_t order;                 // of reporting, within one place
    Diagnostic diagnostic;
  };
  Diagnostic place_at(std::uint32_t file, std::uint32_t line, std::uint32_t column, std::string key_path);
  void report_at(Severity severity, std::uint32_t file, std::uint32_t line, std::uint32_t column, std::string key_path,
                 std::string message, std::string hint);

  std::pmr::monotonic_buffer_resource arena_{16 * 1024};
  std::deque<Source> sources_;
  std::vector<Finding> findings_;
  std::size_t errors_ = 0;
  std::size_t copied_ = 0;  // nodes made by aliases
};

// Value of a key in a map; null when there is none.
Node* find(const Node& map, std::string_view key) noexcept;

}  // namespace weir::config
