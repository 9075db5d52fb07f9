#include "config/reader.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <filesystem>

#include "config/expand.hpp"
#include "config/foreign_keys.hpp"
#include "core/base/assert.hpp"
#include "core/base/path.hpp"

namespace weir::config {

namespace {

constexpr Duration longest = std::chrono::hours(24 * 365);

std::string_view kind_name(Kind kind) noexcept {
  switch (kind) {
    case Kind::null: return "nothing";
    case Kind::scalar: return "a string";
    case Kind::list: return "a list";
    case Kind::map: return "a map";
  }
  return "";
}

bool is_one_of(std::string_view text, std::initializer_list<std::string_view> words) noexcept {
  return std::find(words.begin(), words.end(), text) != words.end();
}

bool all_digits(std::string_view text) noexcept {
  return !text.empty() && text.find_first_not_of("0123456789") == std::string_view::npos;
}

// 22:22 and 1:30:00 are numbers to base 60 in YAML 1.1.
bool is_sexagesimal(std::string_view text) noexcept {
  const std::size_t colon = text.find(':');
  if (colon == std::string_view::npos || !all_digits(text.substr(0, colon))) return false;
  for (std::string_view rest = text.substr(colon + 1);;) {
    const std::size_t next = rest.find(':');
    const std::string_view part = rest.substr(0, next);
    if (!all_digits(part) || part.size() > 2 || (part.size() == 2 && part[0] > '5')) return false;
    if (next == std::string_view::npos) return true;
    rest = rest.substr(next + 1);
  }
}

bool is_truth_word(std::string_view lowered) noexcept {
  return is_one_of(lowered, {"true", "false", "yes", "no", "on", "off"});
}

// The unit that "10M", "5min" or "2 hours" was meant to have; empty when that is not clear.
std::string_view meant_unit(std::string_view text, bool is_size) noexcept {
  struct Guess {
    std::string_view typed, meant;
  };
  static constexpr Guess sizes[] = {{"k", "KiB"},   {"kb", "KiB"},  {"kib", "KiB"}, {"m", "MiB"},
                                    {"mb", "MiB"},  {"mib", "MiB"}, {"g", "GiB"},   {"gb", "GiB"},
                                    {"gib", "GiB"}, {"b", "B"},     {"byte", "B"},  {"bytes", "B"}};
  static constexpr Guess durations[] = {{"s", "s"},     {"h", "h"},       {"d", "d"},      {"ms", "ms"},
                                        {"sec", "s"},   {"secs", "s"},    {"second", "s"}, {"seconds", "s"},
                                        {"min", "m"},   {"mins", "m"},    {"minute", "m"}, {"minutes", "m"},
                                        {"hour", "h"},  {"hours", "h"},   {"day", "d"},    {"days", "d"},
                                        {"msec", "ms"}, {"millis", "ms"}, {"usec", "us"}};
  const std::string unit = lower(text);
  for (const Guess& guess : is_size ? std::span<const Guess>(sizes) : std::span<const Guess>(durations)) {
    if (guess.typed == unit) return guess.meant;
  }
  return {};
}

// "did you mean 10MiB? ", or nothing.
std::string meant_quantity(std::string_view text, bool is_size) {
  const std::size_t number_end = std::min(text.find_first_not_of("0123456789."), text.size());
  const std::size_t unit_begin = std::min(text.find_first_not_of(' ', number_end), text.size());
  if (number_end == 0) return {};
  const std::string_view unit = meant_unit(text.substr(unit_begin), is_size);
  if (unit.empty()) return {};
  return fmt::format("did you mean {}{}? ", text.substr(0, number_end), unit);
}

}  // namespace

void Reader::wrong_kind(const Node& at, const Path& path, std::string_view expected, std::string hint) {
  if (hint.empty()) {
    hint = at.kind == Kind::null ? "write a value after the colon, or remove the key"
                                 : fmt::format("write {} in its place, or remove the key", expected);
  }
  if (at.kind == Kind::null) {
    error(at, path, fmt::format("missing value: expected {}", expected), std::move(hint));
  } else {
    error(at, path, fmt::format("expected {}, found {}", expected, kind_name(at.kind)), std::move(hint));
  }
}

bool Reader::scalar(Node& node, const Path& path, std::string_view expected) {
  if (!node.is_scalar()) {
    wrong_kind(node, path, expected);
    return false;
  }
  return expand(tree_, node, path);
}

std::optional<std::string_view> Reader::text(Node& node, const Path& path, std::span<const std::string_view> left) {
  if (node.kind == Kind::null) {
    wrong_kind(node, path, "a string", "an empty string is \"\"");
    return std::nullopt;
  }
  if (node.kind != Kind::scalar) {
    wrong_kind(node, path, "a string");
    return std::nullopt;
  }
  if (!expand(tree_, node, path, left)) return std::nullopt;
  const std::string_view value = node.view();
  if (node.is(Node::quoted) || node.is(Node::expanded)) return value;
  if (is_truth_word(lower(value))) {
    error(node, path, fmt::format("expected a string, but YAML 1.1 reads {} as a boolean", value),
          fmt::format("put it in quotes: \"{}\"", value));
    return std::nullopt;
  }
  if (is_sexagesimal(value)) {
    error(node, path, fmt::format("expected a string, but YAML 1.1 reads {} as a base-60 number", value),
          fmt::format("put it in quotes: \"{}\"", value));
    return std::nullopt;
  }
  return value;
}

std::optional<bool> Reader::boolean(Node& node, const Path& path) {
  if (!scalar(node, path, "true or false")) return std::nullopt;
  const std::string_view value = node.view();
  const bool text_on_purpose = node.is(Node::quoted) && !node.is(Node::expanded);
  if (!text_on_purpose && value == "true") return true;
  if (!text_on_purpose && value == "false") return false;
  const std::string lowered = lower(value);
  std::string hint;
  if (is_one_of(lowered, {"true", "yes", "on", "1"})) hint = "write true";
  if (is_one_of(lowered, {"false", "no", "off", "0"})) hint = "write false";
  if (!hint.empty() && text_on_purpose) hint += " without quotes";
  error(node, path, fmt::format("expected true or false, found \"{}\"", value), std::move(hint));
  return std::nullopt;
}

std::optional<std::uint64_t> Reader::integer(Node& node, const Path& path, std::uint64_t low, std::uint64_t high) {
  if (!scalar(node, path, "a whole number")) return std::nullopt;
  const std::string_view value = node.view();
  if (node.is(Node::quoted) && !node.is(Node::expanded) && all_digits(value)) {
    error(node, path, "expected a whole number, found a string", fmt::format("write {} without quotes", value));
    return std::nullopt;
  }
  std::uint64_t number = 0;
  const auto [end, code] = std::from_chars(value.data(), value.data() + value.size(), number);
  if (code == std::errc::invalid_argument || end != value.data() + value.size()) {
    std::string hint;
    if (value.starts_with("0x") || value.starts_with("0o")) hint = "write it in decimal digits";
    if (value.find('_') != std::string_view::npos || value.find(',') != std::string_view::npos) {
      hint = "write the digits without separators";
    }
    error(node, path, fmt::format("expected a whole number, found \"{}\"", value), std::move(hint));
    return std::nullopt;
  }
  if (value.size() > 1 && value[0] == '0') {
    error(node, path, fmt::format("{} begins with 0, which YAML 1.1 reads as octal", value),
          fmt::format("write {}", number));
    return std::nullopt;
  }
  if (code != std::errc{} || number < low || number > high) {
    error(node, path, fmt::format("{} is out of range", value), fmt::format("write one from {} to {}", low, high));
    return std::nullopt;
  }
  return number;
}

std::optional<Duration> Reader::duration(Node& node, const Path& path, Zero zero) {
  if (!scalar(node, path, "a duration such as 30s")) return std::nullopt;
  const std::string_view value = node.view();
  const DurationResult parsed = parse_duration(value);
  const std::string examples = "units are us, ms, s, m, h and d: 250ms, 30s, 1m30s";
  switch (parsed.verdict) {
    case Quantity::good: break;
    case Quantity::no_unit:
      error(node, path, fmt::format("a duration needs a unit: {}s?", value), examples);
      return std::nullopt;
    case Quantity::unknown_unit:
    case Quantity::malformed:
      error(node, path, fmt::format("\"{}\" is not a duration", value), meant_quantity(value, false) + examples);
      return std::nullopt;
    case Quantity::too_large:
      error(node, path, fmt::format("the duration {} is too long", value), "at most 365d; 0s disables it");
      return std::nullopt;
  }
  if (parsed.value > longest) {
    error(node, path, fmt::format("the duration {} is too long", value), "at most 365d; 0s disables it");
    return std::nullopt;
  }
  if (parsed.value == Duration::zero() && zero == Zero::refused) {
    error(node, path, "this duration cannot be 0", examples);
    return std::nullopt;
  }
  if (parsed.value > Duration::zero() && parsed.value < coarsest_clock()) {
    demands_.waits.push_back({parsed.value, tree_.place_of(node, path.text())});
  }
  return parsed.value;
}

std::optional<std::uint64_t> Reader::size(Node& node, const Path& path, std::uint64_t low, std::uint64_t high) {
  if (!scalar(node, path, "a size such as 32KiB")) return std::nullopt;
  const std::string_view value = node.view();
  const SizeResult parsed = parse_size(value);
  const std::string examples = "units are B, KiB, MiB, GiB and the decimal kB, MB, GB: 512B, 32KiB, 10MiB";
  switch (parsed.verdict) {
    case Quantity::good: break;
    case Quantity::no_unit:
      error(node, path, fmt::format("a size needs a unit: {}B or {}KiB?", value, value), examples);
      return std::nullopt;
    case Quantity::unknown_unit:
    case Quantity::malformed:
      error(node, path, fmt::format("\"{}\" is not a size", value), meant_quantity(value, true) + examples);
      return std::nullopt;
    case Quantity::too_large:
      error(node, path, fmt::format("the size {} is too large", value), fmt::format("at most {}", size_text(high)));
      return std::nullopt;
  }
  if (parsed.value < low || parsed.value > high) {
    error(node, path, fmt::format("the size {} is out of range", value),
          fmt::format("write one from {} to {}", size_text(low), size_text(high)));
    return std::nullopt;
  }
  return parsed.value;
}

std::optional<std::size_t> Reader::choice(Node& node, const Path& path, std::span<const std::string_view> choices) {
  if (!scalar(node, path, fmt::format("one of {}", joined(choices)))) return std::nullopt;
  const auto found = std::find(choices.begin(), choices.end(), node.view());
  if (found != choices.end()) return static_cast<std::size_t>(found - choices.begin());
  const std::string_view meant = closest(node.view(), choices);
  error(
      node, path, fmt::format("unknown value \"{}\"", node.view()),
      fmt::format("{} one of {}", meant.empty() ? "write" : fmt::format("did you mean {}? Write", meant),
                  joined(choices)));
  return std::nullopt;
}

void Reader::unknown_name(const Node& at, const Path& path, std::string_view kind, std::string_view name,
                          std::span<const std::string_view> known) {
  const std::string_view meant = closest(name, known);
  std::string hint;
  if (!meant.empty()) {
    hint = fmt::format("did you mean \"{}\"?", meant);
  } else if (known.empty()) {
    hint = fmt::format("no {} is defined; add it to {}s", kind, kind);
  } else if (known.size() <= 12) {
    hint = fmt::format("defined: {}", joined(known));
  } else {
    hint = fmt::format("none of the {} {}s has that name", known.size(), kind);
  }
  error(at, path, fmt::format("there is no {} \"{}\"", kind, name), std::move(hint));
}

proxy::Origin Reader::origin(const Node& node) {
  Source& from = tree_.source(node);
  return {from.name, static_cast<int>(node.line) + 1, from.column(node.line, node.column)};
}

std::string Reader::beside_file(const Node& node, std::string_view path) {
  const std::filesystem::path file = path_of(path);
  // Windows calls a path without a drive relative, and an empty one cannot be made absolute.
  if (file.has_root_path()) return std::string(path);
  const std::filesystem::path from = std::filesystem::absolute("." / tree_.source(node).directory);
  return text_of((from / file).lexically_normal());
}

Fields::Fields(Reader& reader, Node* node, const Path& path, const Object& object)
    : reader_(reader), node_(node), path_(path), object_(object) {
  if (!node_ || node_->kind == Kind::null) {
    node_ = nullptr;
    return;
  }
  if (node_->kind != Kind::map) {
    reader_.wrong_kind(*node_, path_, fmt::format("a map of {} keys", object_.name));
    node_ = nullptr;
    return;
  }
  for (const Node* key = node_->first; key; key = key->next->next) {
    if (find_key(object_, key->view())) continue;
    report_unknown(*key);
    has_unknown_ = true;
  }
}

void Fields::report_unknown(const Node& key) {
  if (const ForeignKey* foreign = foreign_key(key.view()); foreign) {
    reader_.error(key, Path(path_, key.view()), fmt::format("weir has no key \"{}\"", key.view()),
                  std::string(foreign->answer));
    return;
  }
  std::vector<std::string_view> names;
  for (const Key& known : object_.keys) names.push_back(known.name);
  std::string hint;
  if (const std::string_view meant = closest(key.view(), names); !meant.empty()) {
    hint = fmt::format("did you mean \"{}\"? ", meant);
  } else {
    std::vector<std::string_view> owners;
    for (const Object* other : all_objects()) {
      if (find_key(*other, key.view()))
        owners.push_back(other == &keys::file ? "the top level of the file" : other->name);
    }
    if (!owners.empty() && owners.size() <= 3) {
      hint = fmt::format("\"{}\" belongs to {}. ", key.view(), joined(owners, " and "));
    }
  }
  std::string_view name = key.view();
  if (is_truth_word(lower(name))) hint += "YAML 1.1 reads this key as a boolean. ";
  reader_.error(key, Path(path_, name), fmt::format("unknown key \"{}\"", name),
                fmt::format("{}Allowed here: {}", hint, joined(names)));
}

Node* Fields::operator[](std::string_view key) const {
  WEIR_ASSERT(find_key(object_, key) != nullptr);
  return node_ ? find(*node_, key) : nullptr;
}

void Fields::read(std::string_view key, bool& out) {
  if (Node* node = (*this)[key]) out = reader_.boolean(*node, at(key)).value_or(out);
}
void Fields::read(std::string_view key, Duration& out, Zero zero) {
  if (Node* node = (*this)[key]) out = reader_.duration(*node, at(key), zero).value_or(out);
}
void Fields::read(std::string_view key, std::string& out) {
  if (Node* node = (*this)[key]) out = reader_.text(*node, at(key)).value_or(out);
}
void Fields::read(std::string_view key, std::uint32_t& out) {
  const Key& entry = *find_key(object_, key);
  Node* node = (*this)[key];
  if (!node) return;
  if (const auto value = reader_.integer(*node, at(key), entry.low, entry.high))
    out = static_cast<std::uint32_t>(*value);
}
std::optional<std::uint64_t> Fields::size(std::string_view key, std::uint64_t low, std::uint64_t high) const {
  Node* node = (*this)[key];
  return node ? reader_.size(*node, at(key), low, high) : std::nullopt;
}

}  // namespace weir::config
