#pragma once
// JSON (RFC 8259) as the commands print it and the control socket speaks it. Pure; any thread.

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace weir::daemon {

std::string json_quoted(std::string_view text);
std::string json_list(std::span<const std::string> texts);

// Writes an object, member by member.
class JsonObject {
 public:
  JsonObject& text(std::string_view name, std::string_view value) { return json(name, json_quoted(value)); }
  JsonObject& number(std::string_view name, std::uint64_t value) { return json(name, std::to_string(value)); }
  JsonObject& truth(std::string_view name, bool value) { return json(name, value ? "true" : "false"); }
  JsonObject& json(std::string_view name, std::string_view value);  // that is JSON already
  std::string end() const { return out_ + "}"; }

 private:
  std::string out_ = "{";
};

struct JsonValue {
  enum class Kind : std::uint8_t { null, boolean, number, text, list, object };

  Kind kind = Kind::null;
  bool truth = false;
  std::string text;              // of a text; of a number as it was written
  std::vector<JsonValue> items;  // of a list, or the values of an object
  std::vector<std::string> names;  // of an object: one for each of its items

  std::optional<std::uint64_t> whole_number() const;  // of a number without sign, fraction and exponent

  const JsonValue* find(std::string_view name) const noexcept;  // the last member of that name; null: there is none

  // Of a member; something empty where there is none of that kind.
  std::string text_of(std::string_view name) const;
  std::uint64_t number_of(std::string_view name) const;
  bool truth_of(std::string_view name) const;
};

// The whole text is one value, at most 32 deep; otherwise nothing.
std::optional<JsonValue> parse_json(std::string_view text);

}  // namespace weir::daemon
