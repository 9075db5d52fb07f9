#include <fmt/format.h>

#include <algorithm>

#include "config/build.hpp"
#include "config/request_text.hpp"

namespace weir::config {

namespace {

// Fields that belong to one connection or frame the message: weir writes them itself (RFC 9110 section 7.6.1).
constexpr std::string_view own_fields[] = {"connection", "content-length", "keep-alive",        "proxy-connection",
                                           "te",         "trailer",        "transfer-encoding", "upgrade"};

bool check_name(Reader& reader, const Node& node, const Path& path, std::string_view name, Headers which) {
  if (!is_token(name)) {
    reader.error(node, path, fmt::format("\"{}\" is not a header name", name), "letters, digits and - : X-Env");
    return false;
  }
  const std::string lowered = lower(name);
  if (std::find(std::begin(own_fields), std::end(own_fields), lowered) != std::end(own_fields)) {
    reader.error(node, path, fmt::format("the header {} cannot be changed", name),
                 "it belongs to the connection or delimits the body, so weir sets it itself");
    return false;
  }
  if (which != Headers::response && lowered == "host") {
    reader.error(node, path, "the header Host cannot be changed here",
                 which == Headers::check ? "use the key host of the health check" : "use rewrite: { host: name }");
    return false;
  }
  return true;
}

void check_twice(Reader& reader, const Node& key, const Path& path, const std::vector<proxy::HeaderEdit::Line>& lines,
                 std::string_view name) {
  for (const proxy::HeaderEdit::Line& line : lines) {
    if (lower(line.name) != lower(name)) continue;
    reader.error(key, path, fmt::format("the header {} is set twice", name), "header names ignore case; keep one");
    return;
  }
}

std::optional<std::string> checked_value(Reader& reader, const Node& node, const Path& path, std::string text) {
  if (is_field_value(text)) return text;
  reader.error(node, path, "this is not a valid header value",
               "write one line without control characters, and without spaces at either end");
  return std::nullopt;
}

}  // namespace

std::optional<std::string> read_field_value(Reader& reader, Node& node, const Path& path) {
  const auto text = reader.text(node, path);
  if (!text) return std::nullopt;
  return checked_value(reader, node, path, std::string{*text});
}

std::optional<std::string> read_field_template(Reader& reader, Node& node, const Path& path) {
  auto text = read_request_text(reader, node, path);
  return text ? checked_value(reader, node, path, std::move(*text)) : std::nullopt;
}

void read_constant_headers(Reader& reader, Node& node, const Path& path, std::vector<proxy::HeaderEdit::Line>& out) {
  reader.entries(node, path, "a map of header names and values", [&](Node& key, Node& value, const Path& at) {
    if (!check_name(reader, key, at, key.view(), Headers::check)) return;
    check_twice(reader, key, at, out, key.view());
    auto text = read_field_value(reader, value, at);
    if (text) out.push_back({std::string{key.view()}, std::move(*text)});
  });
}

void read_header_lists(Reader& reader, Node& node, const Path& path, Headers which,
                       std::vector<proxy::HeaderEdit::Line>& out) {
  reader.entries(node, path, "a map of header names and values", [&](Node& key, Node& value, const Path& at) {
    if (!check_name(reader, key, at, key.view(), which)) return;
    reader.each(value, at, [&](Node& one, const Path& place) {
      if (auto text = read_field_template(reader, one, place)) out.push_back({std::string{key.view()}, std::move(*text)});
    });
  });
}

void read_header_edit(Reader& reader, const Fields& fields, Headers which, proxy::HeaderEdit& out) {
  if (Node* remove = fields["remove"]; remove && remove->kind != Kind::null) {
    reader.each(*remove, fields.at("remove"), [&](Node& one, const Path& place) {
      const auto name = reader.text(one, place);
      if (name && check_name(reader, one, place, *name, which)) out.remove.emplace_back(*name);
    });
  }
  if (Node* set = fields["set"]) {
    reader.entries(*set, fields.at("set"), "a map of header names and values",
                   [&](Node& key, Node& value, const Path& at) {
                     if (!check_name(reader, key, at, key.view(), which)) return;
                     check_twice(reader, key, at, out.set, key.view());
                     auto text = read_field_template(reader, value, at);
                     if (text) out.set.push_back({std::string{key.view()}, std::move(*text)});
                   });
  }
  if (Node* add = fields["add"]) read_header_lists(reader, *add, fields.at("add"), which, out.add);
}

}  // namespace weir::config
