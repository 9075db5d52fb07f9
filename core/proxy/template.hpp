#pragma once
// Template: a text with variables, "https://${host}${uri}", compiled once into pieces and expanded for each request or log
// line into a sink. Owns its text; immutable after compile(), so any number of threads may expand it. Expanding
// allocates nothing and reads no clock; what the values view into stays alive until it returns.
//
// In the text ${name} is a variable, ${header.NAME} a field of the request, and $$ one dollar. A dollar before a letter or
// digit is refused, since other proxies write variables so; any other dollar stands for itself.

#include <array>
#include <cstdint>
#include <expected>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/http/head.hpp"

namespace weir::proxy {

// The variables of a request, in the order of their names in request_variables.
enum class Variable : std::uint8_t {
  client, host, host_port, scheme, path, query, uri, request_id, method, listener, route
};
inline constexpr std::array<std::string_view, 11> request_variables = {
    "client", "host", "host_port", "scheme", "path", "query", "uri", "request_id", "method", "listener", "route"};

class Template {
 public:
  // What is wrong with a text, and where: an offset into it and the bytes from there on.
  struct Fault {
    enum class What : std::uint8_t {
      not_closed,     // "${host"
      unknown,        // "${hots}"; `name` is "hots"
      no_field_name,  // "${header.}", "${header.X Y}"
      bare,           // "$host", "$1"; `name` is "host"
    };
    What what;
    std::size_t begin = 0;
    std::string_view name = {};  // views into the text that was compiled
  };

  // `names` are the variables there are, in the order of the numbers that the expansion asks for.
  static std::expected<Template, Fault> compile(std::string_view text, std::span<const std::string_view> names);
  static std::expected<Template, Fault> compile(std::string_view text) { return compile(text, request_variables); }

  bool is_constant() const noexcept { return constant_; }
  std::string_view constant() const noexcept { return text_; }  // of a constant one: with one dollar for each $$
  bool uses_fields() const noexcept { return uses_fields_; }
  bool uses(std::uint8_t variable) const noexcept { return (used_ >> variable & 1) != 0; }

  // Calls literal(text), variable(number) and field(id, name) in the order of the pieces. A name is as the text has it:
  // compare it without regard to case where the id is `other`.
  template <class Literal, class Named, class Field>
  void visit(Literal&& literal, Named&& variable, Field&& field) const {
    for (const Piece& piece : pieces_) {
      const std::string_view text = std::string_view(text_).substr(piece.begin, piece.size);
      switch (piece.kind) {
        case Kind::literal: literal(text); break;
        case Kind::variable: variable(piece.number); break;
        case Kind::field: field(static_cast<http::FieldId>(piece.number), text); break;
      }
    }
  }

 private:
  enum class Kind : std::uint8_t { literal, variable, field };
  struct Piece {
    std::uint32_t begin;  // in text_: a literal, or the name of a field
    std::uint32_t size;
    Kind kind;
    std::uint8_t number;  // of the variable; the FieldId of a field
  };

  void add(Kind kind, std::string_view text, std::uint8_t number = 0);

  std::string text_;
  std::vector<Piece> pieces_;
  std::uint64_t used_ = 0;
  bool constant_ = true;
  bool uses_fields_ = false;
};

// What a request's variables stand for. A view that is empty expands to nothing.
struct RequestValues {
  std::string_view client;   // address without a port
  std::string_view host;     // as the client sent it, with its port: ${host} leaves that out
  std::string_view scheme;   // "http", "https"
  std::string_view path;     // normalised
  std::string_view query;    // with its question mark or without; ${query} has none
  std::string_view request_id;
  std::string_view method;
  std::string_view listener;
  std::string_view route;
};

// What the expanded text is for, and so what must not get into it.
enum class Expansion : std::uint8_t {
  field_value,  // control characters become spaces
  location,     // a redirect: bytes outside visible ASCII are percent-encoded, and what a variable holds cannot turn the
                // begin of the location into "//", which would lead to another host
  path,         // a rewritten path: as a location, and what could end or divide a path is encoded unless it is ${path}.
                // Where the result is not in its normal form (http::normalise_path), a value was "..", or held a slash:
                // answer 400
  host,         // a rewritten host: as a field value. Check the result with http::parse_authority
};

namespace detail {

inline constexpr std::string_view upper_hex = "0123456789ABCDEF";

// "[::1]:80" and "a.test:80" without their port.
constexpr std::string_view without_port(std::string_view host) noexcept {
  const std::size_t bracket = host.find(']');
  return host.substr(0, host.find(':', bracket == host.npos ? 0 : bracket));
}

constexpr bool is_visible(unsigned char byte) noexcept { return byte > 0x20 && byte < 0x7f; }

// Unreserved (RFC 3986 section 2.3): means the same to whatever reads a path.
constexpr bool is_segment_byte(unsigned char byte) noexcept {
  return (byte >= '0' && byte <= '9') || (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') || byte == '-' ||
         byte == '.' || byte == '_' || byte == '~';
}

// Writes what one Expansion lets through. `Sink` takes runs of text: sink(std::string_view).
template <class Sink>
class ExpansionWriter {
 public:
  ExpansionWriter(Expansion expansion, Sink& sink) noexcept : expansion_(expansion), sink_(sink) {}

  void literal(std::string_view text) { put(text, false); }
  void path(std::string_view text) { put(behind_slashes(text), false); }
  void value(std::string_view text) { put(behind_slashes(text), expansion_ == Expansion::path); }

 private:
  // A location of "" or "/" must not become "//" by what a variable holds.
  std::string_view behind_slashes(std::string_view text) const noexcept {
    if (expansion_ != Expansion::location) return text;
    const auto slash = [](char c) { return c == '/' || c == '\\'; };
    std::size_t skip = 0;
    if (start_ == Start::slash) {
      while (skip < text.size() && slash(text[skip])) ++skip;
    } else if (start_ == Start::nothing) {
      while (skip + 1 < text.size() && slash(text[skip]) && slash(text[skip + 1])) ++skip;
    }
    return text.substr(skip);
  }

  void put(std::string_view text, bool as_segment) {
    if (text.empty()) return;
    start_ = start_ == Start::nothing && text == "/" ? Start::slash : Start::more;
    std::size_t begin = 0;
    for (std::size_t i = 0; i < text.size(); ++i) {
      const auto byte = static_cast<unsigned char>(text[i]);
      if (lets_through(byte, as_segment)) continue;
      if (i > begin) sink_(text.substr(begin, i - begin));
      replace(byte);
      begin = i + 1;
    }
    if (begin < text.size()) sink_(text.substr(begin));
  }
  bool lets_through(unsigned char byte, bool as_segment) const noexcept {
    if (as_segment) return is_segment_byte(byte);
    const bool is_uri = expansion_ == Expansion::location || expansion_ == Expansion::path;
    return is_uri ? is_visible(byte) : byte == '\t' || (byte >= 0x20 && byte != 0x7f);
  }
  void replace(unsigned char byte) {
    const std::array<char, 3> escape = {'%', upper_hex[byte >> 4], upper_hex[byte & 15]};
    const bool is_uri = expansion_ == Expansion::location || expansion_ == Expansion::path;
    sink_(is_uri ? std::string_view(escape.data(), escape.size()) : std::string_view(" "));
  }

  enum class Start : std::uint8_t { nothing, slash, more };
  const Expansion expansion_;
  Start start_ = Start::nothing;
  Sink& sink_;
};

}  // namespace detail

// Expands a template of the request_variables. `lookup(id, name)` gives the value of a field of the request, or an empty
// view; `sink` takes the text in runs, none of them empty.
template <class Lookup, class Sink>
void expand(const Template& text, Expansion expansion, const RequestValues& values, Lookup&& lookup, Sink&& sink) {
  detail::ExpansionWriter writer(expansion, sink);
  const std::string_view query = values.query.substr(values.query.starts_with('?') ? 1 : 0);
  const auto variable = [&](std::uint8_t number) {
    switch (static_cast<Variable>(number)) {
      case Variable::client: writer.value(values.client); break;
      case Variable::host: writer.value(detail::without_port(values.host)); break;
      case Variable::host_port: writer.value(values.host); break;
      case Variable::scheme: writer.value(values.scheme); break;
      case Variable::path: writer.path(values.path); break;
      case Variable::query: writer.value(query); break;
      case Variable::uri:
        writer.path(values.path);
        if (!query.empty()) writer.path("?");
        writer.path(query);
        break;
      case Variable::request_id: writer.value(values.request_id); break;
      case Variable::method: writer.value(values.method); break;
      case Variable::listener: writer.value(values.listener); break;
      case Variable::route: writer.value(values.route); break;
    }
  };
  text.visit([&](std::string_view literal) { writer.literal(literal); }, variable,
             [&](http::FieldId id, std::string_view name) { writer.value(lookup(id, name)); });
}

}  // namespace weir::proxy
