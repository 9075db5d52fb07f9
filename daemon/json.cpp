#include "daemon/json.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

namespace weir::daemon {
namespace {

constexpr int deepest = 32;

void append_utf8(std::uint32_t point, std::string& out) {
  const auto put = [&out](std::uint32_t byte) { out.push_back(static_cast<char>(byte)); };
  if (point < 0x80) {
    put(point);
  } else if (point < 0x800) {
    put(0xc0 | point >> 6);
    put(0x80 | (point & 0x3f));
  } else if (point < 0x10000) {
    put(0xe0 | point >> 12);
    put(0x80 | (point >> 6 & 0x3f));
    put(0x80 | (point & 0x3f));
  } else {
    put(0xf0 | point >> 18);
    put(0x80 | (point >> 12 & 0x3f));
    put(0x80 | (point >> 6 & 0x3f));
    put(0x80 | (point & 0x3f));
  }
}

class JsonReader {
 public:
  explicit JsonReader(std::string_view text) : rest_(text) {}

  bool read_all(JsonValue& out) {
    if (!read(out, 0)) return false;
    skip_space();
    return rest_.empty();
  }

 private:
  bool read(JsonValue& out, int depth) {
    skip_space();
    if (rest_.empty() || depth > deepest) return false;
    switch (rest_.front()) {
      case '{': return read_items(out, depth, JsonValue::Kind::object, '}');
      case '[': return read_items(out, depth, JsonValue::Kind::list, ']');
      case '"': out.kind = JsonValue::Kind::text; return read_text(out.text);
      case 't':
        out.kind = JsonValue::Kind::boolean;
        out.truth = true;
        return take("true");
      case 'f': out.kind = JsonValue::Kind::boolean; return take("false");
      case 'n': return take("null");
      default: out.kind = JsonValue::Kind::number; return read_number(out.text);
    }
  }

  bool read_items(JsonValue& out, int depth, JsonValue::Kind kind, char end) {
    out.kind = kind;
    rest_.remove_prefix(1);
    skip_space();
    if (take(end)) return true;
    do {
      if (kind == JsonValue::Kind::object) {
        skip_space();
        if (!read_text(out.names.emplace_back())) return false;
        skip_space();
        if (!take(':')) return false;
      }
      if (!read(out.items.emplace_back(), depth + 1)) return false;
      skip_space();
    } while (take(','));
    return take(end);
  }

  bool read_text(std::string& out) {
    if (!take('"')) return false;
    while (!rest_.empty() && rest_.front() != '"') {
      const char c = rest_.front();
      if (static_cast<unsigned char>(c) < 0x20) return false;
      rest_.remove_prefix(1);
      if (c != '\\') {
        out.push_back(c);
      } else if (!read_escape(out)) {
        return false;
      }
    }
    return take('"');
  }

  bool read_escape(std::string& out) {
    if (rest_.empty()) return false;
    const char c = rest_.front();
    rest_.remove_prefix(1);
    constexpr std::string_view written = "\"\\/bfnrt";
    constexpr std::string_view meant = "\"\\/\b\f\n\r\t";
    if (const std::size_t at = written.find(c); at != std::string_view::npos) {
      out.push_back(meant[at]);
      return true;
    }
    std::uint32_t point = 0;
    if (c != 'u' || !read_hex(point)) return false;
    if (point >= 0xd800 && point < 0xdc00) {  // the first of two that make one
      std::uint32_t second = 0;
      if (!take("\\u") || !read_hex(second) || second < 0xdc00 || second > 0xdfff) return false;
      point = 0x10000 + ((point - 0xd800) << 10) + (second - 0xdc00);
    } else if (point >= 0xdc00 && point <= 0xdfff) {
      return false;
    }
    append_utf8(point, out);
    return true;
  }

  bool read_hex(std::uint32_t& out) {
    if (rest_.size() < 4) return false;
    const auto [end, error] = std::from_chars(rest_.data(), rest_.data() + 4, out, 16);
    if (error != std::errc{} || end != rest_.data() + 4) return false;
    rest_.remove_prefix(4);
    return true;
  }

  // -? (0 | [1-9][0-9]*) (.[0-9]+)? ([eE][+-]?[0-9]+)?
  bool read_number(std::string& out) {
    const char* const begin = rest_.data();
    take('-');
    if (!take('0') && !take_digits()) return false;
    if (take('.') && !take_digits()) return false;
    if (take('e') || take('E')) {
      if (!take('+')) take('-');
      if (!take_digits()) return false;
    }
    out.assign(begin, rest_.data());
    return true;
  }

  bool take_digits() {
    const std::size_t digits = std::min(rest_.find_first_not_of("0123456789"), rest_.size());
    rest_.remove_prefix(digits);
    return digits > 0;
  }
  bool take(char c) { return take(std::string_view(&c, 1)); }
  bool take(std::string_view word) {
    if (!rest_.starts_with(word)) return false;
    rest_.remove_prefix(word.size());
    return true;
  }
  void skip_space() { rest_.remove_prefix(std::min(rest_.find_first_not_of(" \t\r\n"), rest_.size())); }

  std::string_view rest_;
};

}  // namespace

std::string json_quoted(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') {
      out.append(1, '\\').append(1, c);
    } else if (static_cast<unsigned char>(c) < 0x20) {
      out += fmt::format("\\u{:04x}", static_cast<unsigned>(c));
    } else {
      out.push_back(c);
    }
  }
  return out.append(1, '"');
}

std::string json_list(std::span<const std::string> texts) {
  std::string out = "[";
  for (const std::string& text : texts) out.append(out.size() > 1 ? "," : "").append(json_quoted(text));
  return out.append("]");
}

JsonObject& JsonObject::json(std::string_view name, std::string_view value) {
  if (out_.size() > 1) out_ += ',';
  out_.append(json_quoted(name)).append(":").append(value);
  return *this;
}

const JsonValue* JsonValue::find(std::string_view name) const noexcept {
  for (std::size_t i = names.size(); i-- > 0;) {
    if (names[i] == name) return &items[i];
  }
  return nullptr;
}

std::optional<std::uint64_t> JsonValue::whole_number() const {
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  const bool whole = kind == Kind::number && error == std::errc{} && end == text.data() + text.size();
  return whole ? std::optional(number) : std::nullopt;
}

std::string JsonValue::text_of(std::string_view name) const {
  const JsonValue* member = find(name);
  return member != nullptr && member->kind == Kind::text ? member->text : std::string{};
}

std::uint64_t JsonValue::number_of(std::string_view name) const {
  const JsonValue* member = find(name);
  std::uint64_t value = 0;
  if (member == nullptr || member->kind != Kind::number) return 0;
  const char* const end = member->text.data() + member->text.size();
  const auto [at, error] = std::from_chars(member->text.data(), end, value);
  return error == std::errc{} && at == end ? value : 0;
}

bool JsonValue::truth_of(std::string_view name) const {
  const JsonValue* member = find(name);
  return member != nullptr && member->kind == Kind::boolean && member->truth;
}

std::optional<JsonValue> parse_json(std::string_view text) {
  JsonValue value;
  if (!JsonReader(text).read_all(value)) return std::nullopt;
  return value;
}

}  // namespace weir::daemon
