// What is generated from the key table: the reference page and the schema for editors.
#include <fmt/format.h>

#include <string>

#include "config/keys.hpp"

namespace weir::config {

namespace {

constexpr std::string_view introduction = R"(# Configuration reference

Generated from the key table in `config/keys.cpp`. `weir.schema.json`, next to this page, describes the same keys to
editors; to use it, put `# yaml-language-server: $schema=weir.schema.json` on the first line of a file. `examples/` has
files to start from.

**Durations** need a unit: `250ms`, `30s`, `1m30s`, `1h`; units are us, ms, s, m, h, d. **Sizes** need one too: `512B`,
`32KiB`, `10MiB`, or the decimal `kB`, `MB`, `GB`. Where 0 is allowed it disables something, and needs no unit.

**Variables.** `${NAME}` in a value is replaced by the environment variable, `${NAME:-default}` by the default if the
variable is unset or empty. A missing variable is an error. `$${` is a literal `${`. Inside `{ }` and `[ ]` such a value
needs quotes.

**Files.** `!file path` reads a string from a file, without its final line break: `body: !file page.html`. A relative
path, here and in `include`, is relative to the directory of the configuration file that contains it.

**YAML.** Anchors, aliases and merge keys (`<<`) work. Strings that YAML 1.1 would read as something else (`on`, `no`,
`22:22`) need quotes; weir reports it if they are missing. Unknown and duplicate keys are errors.
)";

std::string type_text(const Key& key) {
  switch (key.type) {
    case Type::boolean: return "true or false";
    case Type::integer: return fmt::format("number, {} to {}", key.low, key.high);
    case Type::workers: return fmt::format("`auto` or a number, {} to {}", key.low, key.high);
    case Type::duration: return "duration";
    case Type::size: return "size";
    case Type::text: return "string";
    case Type::choice: return fmt::format("`{}`", fmt::join(key.choices, "`, `"));
    case Type::texts: return "string or list";
    case Type::text_map: return "map of header: string";
    case Type::text_lists_map: return "map of header: string or list";
    case Type::matches: return "map of header: string or `true`";
    case Type::object:
      if (key.object == &keys::file) return "the keys of the [file](#file)";
      return fmt::format("[{0}](#{0})", key.object->name);
    case Type::map_of: return fmt::format("map of name: [{0}](#{0})", key.object->name);
    case Type::list_of: return fmt::format("list of [{0}](#{0})", key.object->name);
  }
  return {};
}

std::string escaped_for_table(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '|') out += '\\';
    out += c;
  }
  return out;
}

class JsonText {
 public:
  void open(std::string_view key = {}, char bracket = '{') {
    line(key);
    out_ += bracket;
    closers_ += bracket == '{' ? '}' : ']';
    first_ = true;
  }
  void close() {
    const char closer = closers_.back();
    closers_.pop_back();
    if (!first_) {
      out_ += '\n';
      out_.append(closers_.size() * 2, ' ');
    }
    out_ += closer;
    first_ = false;
  }
  void text(std::string_view key, std::string_view value) {
    line(key);
    out_ += quoted(value);
  }
  void raw(std::string_view key, std::string_view value) {
    line(key);
    out_ += value;
  }
  std::string take() { return std::move(out_) + "\n"; }

  static std::string quoted(std::string_view value) {
    std::string out = "\"";
    for (const char c : value) {
      if (c == '"' || c == '\\') out += '\\';
      out += c;
    }
    return out + '"';
  }

 private:
  void line(std::string_view key) {
    if (!closers_.empty()) {
      if (!first_) out_ += ',';
      out_ += '\n';
      out_.append(closers_.size() * 2, ' ');
    }
    first_ = false;
    if (!key.empty()) out_ += quoted(key) + ": ";
  }

  std::string out_;
  std::string closers_;
  bool first_ = true;
};

std::string reference_to(std::string_view name) {
  if (name == keys::file.name) return JsonText::quoted("#");
  return JsonText::quoted(fmt::format("#/$defs/{}", name));
}

std::string one_of_refs(std::string_view first, std::string_view second) {
  return fmt::format("[{{ \"$ref\": {} }}, {{ \"$ref\": {} }}]", reference_to(first), reference_to(second));
}

void add_type(JsonText& json, const Key& key) {
  switch (key.type) {
    case Type::boolean: json.raw("anyOf", "[{ \"type\": \"boolean\" }, { \"$ref\": \"#/$defs/variable\" }]"); return;
    case Type::integer:
      json.raw("anyOf", fmt::format("[{{ \"type\": \"integer\", \"minimum\": {}, \"maximum\": {} }}, {{ \"$ref\": "
                                    "\"#/$defs/variable\" }}]",
                                    key.low, key.high));
      return;
    case Type::workers:
      json.raw("anyOf",
               fmt::format("[{{ \"const\": \"auto\" }}, {{ \"type\": \"integer\", \"minimum\": {}, \"maximum\": {} "
                           "}}, {{ \"$ref\": \"#/$defs/variable\" }}]",
                           key.low, key.high));
      return;
    case Type::duration: json.raw("$ref", reference_to("duration")); return;
    case Type::size: json.raw("$ref", reference_to("size")); return;
    case Type::text: json.raw("$ref", reference_to("text")); return;
    case Type::choice: {
      std::string choices;
      for (const std::string_view choice : key.choices) {
        choices += fmt::format("{}{}", choices.empty() ? "" : ", ", JsonText::quoted(choice));
      }
      json.raw("anyOf", fmt::format("[{{ \"enum\": [{}] }}, {{ \"$ref\": \"#/$defs/variable\" }}]", choices));
      return;
    }
    case Type::texts: json.raw("$ref", reference_to("texts")); return;
    case Type::text_map:
      json.raw("type", "\"object\"");
      json.raw("additionalProperties", fmt::format("{{ \"$ref\": {} }}", reference_to("text")));
      return;
    case Type::text_lists_map:
      json.raw("type", "\"object\"");
      json.raw("additionalProperties", fmt::format("{{ \"$ref\": {} }}", reference_to("texts")));
      return;
    case Type::matches:
      json.raw("type", "\"object\"");
      json.raw("additionalProperties", "{ \"type\": [\"string\", \"number\", \"null\", \"boolean\"] }");
      return;
    case Type::object: json.raw("$ref", reference_to(key.object->name)); return;
    case Type::map_of:
      json.raw("type", "[\"object\", \"null\"]");
      json.raw("additionalProperties", fmt::format("{{ \"$ref\": {} }}", reference_to(key.object->name)));
      return;
    case Type::list_of:
      if (key.object == &keys::endpoint) {
        json.raw("anyOf", one_of_refs("endpoint", "endpoints"));
        return;
      }
      json.raw("type", "[\"array\", \"null\"]");
      json.raw("items", fmt::format("{{ \"$ref\": {} }}", reference_to(key.object->name)));
      return;
  }
}

void add_properties(JsonText& json, const Object& object) {
  json.text("type", "object");
  json.raw("additionalProperties", "false");
  json.open("properties");
  for (const Key& key : object.keys) {
    json.open(key.name);
    json.text("description", key.doc);
    add_type(json, key);
    json.close();
  }
  json.close();
}

void add_definition(JsonText& json, const Object& object) {
  json.open(object.name);
  if (object.short_form == ShortForm::none) {
    add_properties(json, object);
  } else {
    json.open("anyOf", '[');
    json.open();
    add_properties(json, object);
    json.close();
    if (object.short_form == ShortForm::text) json.raw({}, fmt::format("{{ \"$ref\": {} }}", reference_to("text")));
    if (object.short_form == ShortForm::texts) {
      const std::string_view list = &object == &keys::upstream ? "endpoints" : "texts";
      json.raw({}, fmt::format("{{ \"$ref\": {} }}", reference_to(list)));
      if (&object == &keys::upstream) json.raw({}, fmt::format("{{ \"$ref\": {} }}", reference_to("text")));
    }
    if (object.short_form == ShortForm::status_or_text) {
      json.raw({}, "{ \"type\": \"integer\", \"minimum\": 200, \"maximum\": 599 }");
      json.raw({}, "{ \"type\": \"string\" }");
    }
    json.close();
  }
  json.close();
}

}  // namespace

std::string reference_markdown() {
  std::string out{introduction};
  for (const Object* object : all_objects()) {
    out += fmt::format("\n## {}\n\n", object->name);
    if (!object->doc.empty()) out += fmt::format("{}\n\n", object->doc);
    if (!object->short_doc.empty()) out += fmt::format("Short form: {}\n\n", object->short_doc);
    out += "| key | value | default | meaning |\n|---|---|---|---|\n";
    for (const Key& key : object->keys) {
      const std::string fallback = key.fallback.empty() ? std::string{} : fmt::format("`{}`", key.fallback);
      out += fmt::format("| `{}` | {} | {} | {} |\n", key.name, type_text(key), fallback, escaped_for_table(key.doc));
    }
  }
  return out;
}

std::string json_schema() {
  JsonText json;
  json.open();
  json.text("$schema", "http://json-schema.org/draft-07/schema#");
  json.text("title", "weir configuration");
  add_properties(json, keys::file);
  json.open("$defs");
  json.raw("variable", R"({ "type": "string", "pattern": "\\$\\{" })");
  json.raw("text", R"({ "type": ["string", "number"] })");
  json.raw("texts",
           R"({ "anyOf": [{ "$ref": "#/$defs/text" }, { "type": "array", "items": { "$ref": "#/$defs/text" } }] })");
  json.raw(
      "duration",
      R"({ "anyOf": [{ "const": 0 }, { "type": "string", "pattern": "^(0|([0-9]+(\\.[0-9]+)?(us|ms|s|m|h|d))+)$|\\$\\{" }] })");
  json.raw(
      "size",
      R"({ "anyOf": [{ "const": 0 }, { "type": "string", "pattern": "^(0|[0-9]+(\\.[0-9]+)?(B|KiB|MiB|GiB|kB|MB|GB))$|\\$\\{" }] })");
  json.raw("endpoints", R"({ "type": "array", "items": { "$ref": "#/$defs/endpoint" } })");
  for (const Object* object : all_objects()) {
    if (object != &keys::file) add_definition(json, *object);
  }
  json.close();
  json.close();
  return json.take();
}

}  // namespace weir::config
