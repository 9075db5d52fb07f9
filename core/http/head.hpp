#pragma once
// A parsed HTTP/1 message head: positions into the received bytes, which stay where they are while the head is used.
// Pure data; nothing is copied. Any thread, one at a time.

#include <array>
#include <cstdint>
#include <string_view>

#include "core/http/limits.hpp"

namespace weir::http {

enum class Method : std::uint8_t { get, head, post, put, del, connect, options, trace, patch, other };

// Methods that may be sent again after a broken connection (RFC 9110 section 9.2.2).
constexpr bool is_idempotent(Method m) noexcept {
  return m == Method::get || m == Method::head || m == Method::put || m == Method::del || m == Method::options ||
         m == Method::trace;
}

// Fields that weir itself looks at. Everything else is `other` and compared by name.
enum class FieldId : std::uint8_t {
  other, accept, authorization, connection, content_length, content_type, date, expect, forwarded, host, keep_alive,
  location, proxy_authenticate, proxy_authorization, proxy_connection, referer, server, te, trailer, transfer_encoding,
  upgrade, user_agent, via, www_authenticate, x_forwarded_for, x_forwarded_host, x_forwarded_proto, x_real_ip,
  x_request_id,
};

// Sets of fields are words with a bit for each id.
constexpr std::uint32_t field_bit(FieldId id) noexcept { return std::uint32_t{1} << static_cast<unsigned>(id); }
static_assert(static_cast<unsigned>(FieldId::x_request_id) < 32);

// Case-insensitive.
FieldId field_id(std::string_view name) noexcept;
bool equal_ignoring_case(std::string_view a, std::string_view b) noexcept;

// Left uninitialised by default, since a head holds max_fields of them and uses few.
// One header line: offsets from the first byte of the head. The line runs from name_begin to line_end, CRLF included.
struct Field {
  std::uint32_t name_begin;
  std::uint32_t value_begin;   // optional white space around the value is outside it
  std::uint32_t value_size;
  std::uint32_t line_end;
  std::uint16_t name_size;
  FieldId id;
  bool named_by_connection;  // hop-by-hop because Connection names it (RFC 9110 section 7.6.1)
};

// How the body is delimited (RFC 9112 section 6.3).
enum class Framing : std::uint8_t { none, length, chunked, until_close };

// What requests and responses share.
struct Head {
  const char* base = nullptr;        // the first byte of the head
  std::uint32_t size = 0;            // bytes up to and including the empty line
  std::uint32_t start_line_end = 0;  // offset behind the start line's CRLF
  std::uint16_t field_count = 0;
  std::uint8_t minor_version = 1;    // HTTP/1.0 or HTTP/1.1; a higher minor counts as 1
  Framing framing = Framing::none;
  std::uint64_t content_length = 0;  // with Framing::length
  std::uint32_t seen = 0;            // a field_bit for each known field that is there, once the head is complete
  bool keep_alive = true;            // the sender would keep the connection (version and Connection together)
  bool connection_upgrade = false;   // Connection has the option "upgrade" and an Upgrade field is present
  std::array<Field, max_fields> fields;

  std::string_view name(const Field& f) const noexcept { return {base + f.name_begin, f.name_size}; }
  std::string_view value(const Field& f) const noexcept { return {base + f.value_begin, f.value_size}; }
  bool has(FieldId id) const noexcept { return (seen & field_bit(id)) != 0; }
  // The first field with that id, or null.
  const Field* find(FieldId id) const noexcept {
    for (std::uint16_t i = 0; i < field_count; ++i)
      if (fields[i].id == id) return &fields[i];
    return nullptr;
  }
  // The first field with that name, ignoring case, or null.
  const Field* find(std::string_view field_name) const noexcept;
  std::string_view value_of(FieldId id) const noexcept {
    const Field* f = find(id);
    return f ? value(*f) : std::string_view{};
  }
};

// The forms of a request target (RFC 9112 section 3.2).
enum class TargetForm : std::uint8_t { origin, absolute, authority, asterisk };

struct RequestHead : Head {
  Method method = Method::get;
  TargetForm form = TargetForm::origin;
  bool expect_continue = false;
  std::string_view method_text;
  std::string_view target;   // as received
  std::string_view path;     // of the target, without query; "/" for an absolute target without one
  std::string_view query;    // with its '?', or empty; as received, bytes above ASCII included
  std::string_view scheme;   // absolute form only
  std::string_view authority;  // from an absolute or authority target, else the Host field; with the port, as received
  std::string_view host;       // the same without the port
};

struct ResponseHead : Head {
  std::uint16_t status = 0;
  // The response ends at its head and holds framing fields that it must not have: they are not read, must not be
  // forwarded, and the connection must not be reused (keep_alive is false), since a body may follow all the same.
  bool framing_ignored = false;
  std::string_view reason;
};

// Why a head is refused: the status to answer a client with, and a stable word for the log.
struct Refusal {
  std::uint16_t status = 0;        // 400, 408, 414, 417, 431, 501, 505; 502 for a response
  std::string_view word;           // "bare-lf", "two-lengths", "obs-fold", ...; static storage
};

}  // namespace weir::http
