#pragma once
// Access log lines: what one of them can say, and the formats it is written in: combined (as nginx and Apache write it),
// JSON with phase times, one for people at a terminal, and by template. Formatting only; writing lines is the ring log's
// work. Pure; any thread.

#include <cstdint>
#include <span>
#include <string_view>

#include "core/base/address.hpp"
#include "core/base/time.hpp"
#include "core/http/head.hpp"
#include "core/proxy/attempt_notes.hpp"
#include "core/proxy/ending.hpp"
#include "core/proxy/spec.hpp"
#include "core/proxy/template.hpp"

namespace weir::proxy {

// Everything a line can say. Views live until the line is written; a negative duration is "did not happen".
struct AccessRecord {
  WallTime started;
  const Address* client = nullptr;
  std::string_view listener, route, upstream, endpoint;   // names; empty when not reached
  std::string_view method, target, host, referer, user_agent, request_id;
  std::string_view request_line;         // without a method: what was received of the first line, whatever it is
  std::string_view user;                 // of Basic credentials
  std::string_view word;                 // the rule that the request or the response broke
  std::uint8_t minor_version = 1;
  std::uint16_t status = 0;              // 0: nothing was sent
  std::uint64_t bytes_in = 0;            // request body
  std::uint64_t bytes_out = 0;           // response body
  Duration head{-1};                     // first byte to the end of the request head
  Duration failed{-1};                   // attempts before the last one, together
  Duration connect{-1};                  // getting an upstream connection; 0 for a pooled one
  Duration first_byte{-1};               // request sent to response head received
  Duration total{-1};                    // first byte of the request to the last byte of the response
  std::uint8_t attempts = 0;             // upstream connections tried
  bool reused = false;                   // the upstream connection came from the pool
  Ending ending = Ending::ok;
  std::span<const AttemptNote> tries;    // every attempt, the last one included; empty where there was one and it was good
  const http::RequestHead* fields = nullptr;  // for ${header.NAME}; null: no head was read
};

// Each writes one line with its line feed into `out` and returns its length. Texts are escaped (\xHH for controls and
// quotes, as nginx does; JSON: by RFC 8259, invalid UTF-8 replaced) and cut to fit; a line is never cut in the middle of
// an escape, and one of JSON always ends with its closing brace. `size` is at least min_line_room.
inline constexpr std::size_t min_line_room = 2048;
inline constexpr std::size_t line_room = 16 * 1024;
std::size_t write_combined(const AccessRecord& record, char* out, std::size_t size) noexcept;
std::size_t write_json(const AccessRecord& record, char* out, std::size_t size) noexcept;
std::size_t write_terminal(const AccessRecord& record, bool colour, char* out, std::size_t size) noexcept;
// `line` is a template of access_log_fields.
std::size_t write_line(const Template& line, const AccessRecord& record, char* out, std::size_t size) noexcept;

// The format of one access log, chosen and compiled once. Immutable.
class AccessFormat {
 public:
  // `colour` is for LogFormat::terminal. The specification's template has been checked.
  AccessFormat(const AccessLogSpec& spec, bool colour);
  std::size_t write(const AccessRecord& record, char* out, std::size_t size) const noexcept;

 private:
  LogFormat format_;
  bool colour_;
  Template line_;
};

}  // namespace weir::proxy
