// From yaml-cpp's events to the tree, and from its exceptions to messages that say what to do.
#include <fmt/format.h>
#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/mark.h>
#include <yaml-cpp/parser.h>

#include <istream>
#include <optional>
#include <streambuf>
#include <unordered_map>

#include "config/tree.hpp"
#include "core/base/assert.hpp"

namespace weir::config {

namespace {

constexpr std::size_t max_copied = 100'000;  // nodes that aliases may add up to, against "a billion laughs"
constexpr std::size_t max_depth = 64;        // of lists and maps in each other; no key of weir is nested half as deep
constexpr std::size_t small_map = 16;        // up to here a map's keys are compared one by one

// Ends the parsing after an error that was reported already.
struct Abandoned {};

class TextStream : public std::streambuf {
 public:
  explicit TextStream(std::string_view text) {
    char* begin = const_cast<char*>(text.data());  // only read: the interface knows no other pointer
    setg(begin, begin, begin + text.size());
  }
};

struct Spot {
  std::uint32_t line, column;
};

// The first byte that text cannot hold. yaml-cpp takes byte 4 for the end of the file, so control characters must not
// get that far.
struct BadByte {
  std::size_t offset;
  const char* what;
};
std::optional<BadByte> find_bad_byte(std::string_view text) {
  for (std::size_t i = 0; i < text.size();) {
    const auto c = static_cast<unsigned char>(text[i]);
    if (c < 0x80) {
      if ((c < 0x20 && c != '\t' && c != '\n' && c != '\r') || c == 0x7F) return BadByte{i, "a control character"};
      ++i;
      continue;
    }
    const std::size_t length = c >= 0xF0 && c <= 0xF4 ? 4 : c >= 0xE0 ? 3 : c >= 0xC2 ? 2 : 0;
    if (length == 0 || c > 0xF4 || i + length > text.size()) return BadByte{i, "a byte that is not UTF-8"};
    for (std::size_t k = 1; k < length; ++k) {
      if ((static_cast<unsigned char>(text[i + k]) & 0xC0U) != 0x80U) return BadByte{i, "a byte that is not UTF-8"};
    }
    i += length;
  }
  return std::nullopt;
}

Spot spot_of(std::string_view text, std::size_t offset) {
  Spot spot{0, 0};
  std::size_t begin = 0;
  for (std::size_t at = text.find('\n'); at < offset; at = text.find('\n', at + 1)) {
    ++spot.line;
    begin = at + 1;
  }
  spot.column = static_cast<std::uint32_t>(offset - begin);
  return spot;
}

struct Wording {
  std::string_view from, message, hint;
};
constexpr Wording wordings[] = {
    {"illegal map value", "a ':' is not allowed here",
     "a value that contains ': ' needs quotes; a key of a block needs the same indentation as its neighbours"},
    {"illegal map key", "a key is not allowed here", "a key of a block needs the same indentation as its neighbours"},
    {"end of map not found", "this does not fit the block around it",
     "the keys of one block need the same indentation, and each needs ': ' after it"},
    {"end of sequence not found", "this does not fit the list around it",
     "the '-' of one list need the same indentation"},
    {"end of map flow not found", "a { } ends unexpectedly here", ""},
    {"end of sequence flow not found", "a [ ] ends unexpectedly here", ""},
    {"illegal flow end", "this does not close anything", "each ] and } needs a matching [ or {"},
    {"illegal block entry", "a '-' is not allowed here", "put the list on lines of its own, or write it as [a, b]"},
    {"unknown token", "a value cannot begin with this character", "put the value in quotes"},
    {"illegal EOF in scalar", "unclosed quote", "close it with the same quote character"},
    {"illegal document indicator in scalar", "unclosed quote",
     "close it with the same quote character"},
    {"illegal tab when looking for indentation", "a tab cannot indent", "use spaces"},
    {"the referenced anchor is not defined", "an alias names an anchor that is not defined",
     "a value that begins with * needs quotes: \"*.example.com\""},
    {"alias not found after *", "an alias has no name", "a value that begins with * needs quotes: \"*.example.com\""},
    {"illegal character found while scanning alias", "an alias has an invalid name",
     "a value that begins with * needs quotes: \"*.example.com\""},
    {"anchor not found after &", "an anchor has no name", "a value that begins with & needs quotes"},
};

bool is_text(const Node& key) { return key.kind == Kind::scalar && !key.is(Node::from_file); }
bool is_merge_key(const Node& key) { return is_text(key) && key.view() == "<<" && !key.is(Node::quoted); }

// The first `size` keys of a map, each of a name of its own. Few are compared one by one, many are looked up.
class KnownKeys {
 public:
  explicit KnownKeys(Node& map) : map_(map) {}

  const Node* find(std::string_view name) const {
    if (map_.size > small_map) {
      const auto found = by_name_.find(name);
      return found == by_name_.end() ? nullptr : found->second;
    }
    const Node* key = map_.first;
    for (std::uint32_t i = 0; i < map_.size; ++i, key = key->next->next) {
      if (key->view() == name) return key;
    }
    return nullptr;
  }

  // Precondition: it stands in the map behind those that are known.
  void add(const Node& key) {
    if (++map_.size == small_map + 1) {
      for (const Node* at = map_.first; at != &key; at = at->next->next) by_name_.emplace(at->view(), at);
    }
    if (map_.size > small_map) by_name_.emplace(key.view(), &key);
  }

 private:
  Node& map_;
  std::unordered_map<std::string_view, const Node*> by_name_;  // empty while there are few
};

}  // namespace

class TreeBuilder : public YAML::EventHandler {
 public:
  TreeBuilder(Tree& tree, std::uint16_t file) : tree_(tree), file_(file) {}

  Node* build() {
    try {
      parse();
    } catch (const Abandoned&) { return nullptr; } catch (const YAML::Exception& e) {
      explain(e);
      return nullptr;
    } catch (const std::exception& e) {
      report({0, 0}, fmt::format("this is not YAML: {}", e.what()), {});
      return nullptr;
    }
    return root_ && root_->kind != Kind::null ? root_ : nullptr;
  }

  void OnDocumentStart(const YAML::Mark& mark) override {
    if (++documents_ < 2) return;
    report(spot(mark), "a second document begins here", "a configuration file is one document: remove the '---'");
    throw Abandoned{};
  }
  void OnDocumentEnd() override {}

  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override { add(make(mark, Kind::null, ""), anchor); }

  void OnAlias(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    const Node* named = anchor < anchors_.size() ? anchors_[anchor] : nullptr;
    if (!named) {
      report(spot(mark), "an alias is inside the value it refers to", "an anchor can only be used after its value");
      throw Abandoned{};
    }
    Node* copied = copy(*named, mark);
    add(copied, 0);
  }

  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                const std::string& value) override {
    last_scalar_ = spot(mark);
    Node* node = make(mark, Kind::scalar, tag);
    node->text = tree_.keep(value);
    node->size = static_cast<std::uint32_t>(value.size());
    add(node, anchor);
  }

  void OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                       YAML::EmitterStyle::value style) override {
    open(make(mark, Kind::list, tag), anchor, style);
  }
  void OnSequenceEnd() override { close(); }
  void OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                  YAML::EmitterStyle::value style) override {
    open(make(mark, Kind::map, tag), anchor, style);
  }
  void OnMapEnd() override {
    tidy(*frames_.back().node);
    close();
  }

 private:
  struct Frame {
    Node* node;
    Node* last;
    YAML::anchor_t anchor;
    bool flow;
  };

  std::string_view text() const { return tree_.sources_[file_].text; }
  static Spot spot(const YAML::Mark& mark) {
    return {mark.line < 0 ? 0 : static_cast<std::uint32_t>(mark.line),
            mark.column < 0 ? 0 : static_cast<std::uint32_t>(mark.column)};
  }
  void report(Spot at, std::string message, std::string hint) {
    tree_.report_at(Severity::error, file_, at.line, at.column, path(), std::move(message), std::move(hint));
  }
  // Where in the file the parser stands, as a key path.
  std::string path() const {
    std::string out;
    for (const Frame& frame : frames_) {
      const bool inside = &frame != &frames_.back();
      if (frame.node->kind == Kind::list) {
        out += fmt::format("[{}]", frame.node->size);
      } else if (frame.last && frame.last->is_scalar() && inside) {
        out += fmt::format("{}{}", out.empty() ? "" : ".", frame.last->view());
      }
    }
    return out;
  }

  void parse();
  void explain(const YAML::Exception& error);
  void check_last_quote();
  Node* make(const YAML::Mark& mark, Kind kind, const std::string& tag);
  void open(Node* node, YAML::anchor_t anchor, YAML::EmitterStyle::value style);
  void close();
  void add(Node* node, YAML::anchor_t anchor);
  void remember(Node* node, YAML::anchor_t anchor);
  Node* copy(const Node& from, const YAML::Mark& mark);
  void tidy(Node& map);
  bool check_key(const Node& key, const KnownKeys& known);  // false: it is wrong, which is reported
  void merge_into(Node& map, Node& merged);

  Tree& tree_;
  std::uint16_t file_;
  Node* root_ = nullptr;
  int documents_ = 0;
  Spot last_scalar_{0, 0};
  std::vector<Frame> frames_;
  std::vector<Node*> anchors_;  // by id; null while the node is open
};

void TreeBuilder::parse() {
  if (const auto bad = find_bad_byte(text())) {
    report(spot_of(text(), bad->offset), fmt::format("the file contains {}", bad->what),
           "a configuration file is UTF-8 text; in a quoted value a control character is written as an escape "
           "(\"\\x04\")");
    throw Abandoned{};
  }
  TextStream buffer(text());
  std::istream input(&buffer);
  YAML::Parser parser(input);
  while (parser.HandleNextDocument(*this)) {}
  check_last_quote();
}

// yaml-cpp 0.7 takes the end of the file for the end of a quoted text. Such a text is the last scalar of its file.
void TreeBuilder::check_last_quote() {
  Source& source = tree_.sources_[file_];
  const std::string_view line = source.line(last_scalar_.line);
  if (last_scalar_.column >= line.size()) return;
  const char quote = line[last_scalar_.column];
  if (quote != '"' && quote != '\'') return;
  const auto offset = static_cast<std::size_t>(line.data() - source.text.data()) + last_scalar_.column;
  for (std::size_t i = offset + 1; i < source.text.size(); ++i) {
    const char c = source.text[i];
    if (quote == '"' && c == '\\') {
      ++i;
    } else if (c == quote) {
      if (quote == '"' || i + 1 == source.text.size() || source.text[i + 1] != quote) return;
      ++i;
    }
  }
  report(last_scalar_, "unclosed quote", "close it with the same quote character");
  throw Abandoned{};
}

void TreeBuilder::explain(const YAML::Exception& error) {
  Spot at = spot(error.mark);
  Source& source = tree_.sources_[file_];
  std::string message = error.msg;
  std::string hint;
  for (const Wording& wording : wordings) {
    if (error.msg != wording.from) continue;
    message = wording.message;
    hint = wording.hint;
  }
  const bool broken_off =
      !frames_.empty() && frames_.back().flow && error.msg.find("flow not found") != std::string::npos;
  if (broken_off) {
    const Node& opened = *frames_.back().node;
    hint = fmt::format("the {} at line {}, column {} is not closed{}", opened.kind == Kind::map ? "{" : "[",
                       opened.line + 1, opened.column + 1,
                       opened.kind == Kind::map ? "; quote a value that contains any of { } [ ] ," : "");
  }
  // The end of a file is a poor place to look at; the last line that says something is better.
  while (at.line > 0 && source.line(at.line).find_first_not_of(" \t") == std::string_view::npos) {
    --at.line;
    at.column = static_cast<std::uint32_t>(source.line(at.line).size());
  }
  const std::string_view line = source.line(at.line);
  if (line.substr(0, line.find_first_not_of(" \t")).find('\t') != std::string_view::npos) {
    hint = "this line is indented with a tab: use spaces";
  } else if (broken_off && line.find("${") != std::string_view::npos) {
    hint = "inside { } and [ ] a value with ${...} needs quotes: \"${NAME}\"";
  }
  report(at, std::move(message), std::move(hint));
}

Node* TreeBuilder::make(const YAML::Mark& mark, Kind kind, const std::string& tag) {
  Node* node = tree_.new_node();
  node->kind = kind;
  node->file = file_;
  node->line = spot(mark).line;
  node->column = spot(mark).column;
  if (tag.empty() || tag == "?") return node;
  if (tag == "!" || tag == "tag:yaml.org,2002:str") {
    node->flags |= Node::quoted;
  } else if (tag == "!file" && kind == Kind::scalar) {
    node->flags |= Node::from_file;
  } else if (!tag.starts_with("tag:yaml.org,2002:")) {
    report(spot(mark), fmt::format("unknown tag {}", tag),
           "the only tag is !file, in front of a path: !file secret.txt");
  }
  return node;
}

void TreeBuilder::remember(Node* node, YAML::anchor_t anchor) {
  if (anchor == 0) return;
  if (anchors_.size() <= anchor) anchors_.resize(anchor + 1, nullptr);
  anchors_[anchor] = node;
}

void TreeBuilder::open(Node* node, YAML::anchor_t anchor, YAML::EmitterStyle::value style) {
  node->first = nullptr;
  if (frames_.size() == max_depth) {
    tree_.report(Severity::error, *node, {},
                 fmt::format("lists and maps are nested more than {} levels deep here", max_depth),
                 "no key needs that; look for stray brackets or '-', and put strings in quotes");
    throw Abandoned{};
  }
  frames_.push_back({node, nullptr, anchor, style == YAML::EmitterStyle::Flow});
}

void TreeBuilder::close() {
  const Frame frame = frames_.back();
  frames_.pop_back();
  add(frame.node, frame.anchor);
}

void TreeBuilder::add(Node* node, YAML::anchor_t anchor) {
  remember(node, anchor);
  if (frames_.empty()) {
    root_ = node;
    return;
  }
  Frame& frame = frames_.back();
  (frame.last ? frame.last->next : frame.node->first) = node;
  frame.last = node;
  if (frame.node->kind == Kind::list) ++frame.node->size;
}

Node* TreeBuilder::copy(const Node& from, const YAML::Mark& mark) {
  if (++tree_.copied_ > max_copied) {
    report(spot(mark), fmt::format("the aliases in this file expand to more than {} values", max_copied),
           "write the values out, or use fewer aliases of aliases");
    throw Abandoned{};
  }
  Node* to = tree_.new_node();
  *to = from;
  to->next = nullptr;
  if (from.kind != Kind::list && from.kind != Kind::map) return to;
  to->first = nullptr;
  Node* last = nullptr;
  for (const Node* at = from.first; at; at = at->next) {
    Node* child = copy(*at, mark);
    (last ? last->next : to->first) = child;
    last = child;
  }
  return to;
}

// Takes merge keys and wrong keys out of a map and counts the others; then come what the merge keys name.
void TreeBuilder::tidy(Node& map) {
  KnownKeys known(map);
  std::vector<Node*> merged;
  Node** link = &map.first;
  while (Node* key = *link) {
    Node* value = key->next;
    if (!value) break;
    if (is_merge_key(*key)) {
      merged.push_back(value);
    } else if (check_key(*key, known)) {
      known.add(*key);
      link = &value->next;
      continue;
    }
    *link = value->next;
  }
  for (Node* value : merged) {
    value->next = nullptr;
    merge_into(map, *value);
  }
}

bool TreeBuilder::check_key(const Node& key, const KnownKeys& known) {
  if (!is_text(key)) {
    report({key.line, key.column}, "a key must be a string", "write name: value");
    return false;
  }
  const Node* first = known.find(key.view());
  if (!first) return true;
  report({key.line, key.column}, fmt::format("duplicate key \"{}\"", key.view()),
         fmt::format("first defined at {}; keep one of the two", tree_.place(*first)));
  return false;
}

void TreeBuilder::merge_into(Node& map, Node& merged) {
  if (merged.kind == Kind::list) {
    for (Node* at = merged.first; at;) {
      Node* following = at->next;
      at->next = nullptr;
      if (at->kind == Kind::map) {
        merge_into(map, *at);
      } else {
        report({at->line, at->column}, "a merge key takes maps", "write <<: *anchor, or <<: [*one, *two]");
      }
      at = following;
    }
    return;
  }
  if (merged.kind != Kind::map) {
    report({merged.line, merged.column}, "a merge key takes maps", "write <<: *anchor, or <<: [*one, *two]");
    return;
  }
  Node* last = nullptr;
  for (Node* key = map.first; key; key = last->next) {
    last = key->next;
    WEIR_ASSERT(last != nullptr);  // a key has a value
  }
  for (Node* key = merged.first; key;) {
    Node* value = key->next;
    Node* following = value->next;
    if (!find(map, key->view())) {
      (last ? last->next : map.first) = key;
      value->next = nullptr;
      last = value;
      ++map.size;
    }
    key = following;
  }
}

Node* Tree::parse(std::string name, std::filesystem::path directory, std::string text) {
  constexpr std::string_view byte_order_mark = "\xEF\xBB\xBF";
  if (text.starts_with(byte_order_mark)) text.erase(0, byte_order_mark.size());
  sources_.emplace_back(std::move(name), std::move(directory), std::move(text));
  return TreeBuilder(*this, static_cast<std::uint16_t>(sources_.size() - 1)).build();
}

}  // namespace weir::config
