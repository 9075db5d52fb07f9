#pragma once
// Access log lines: combined (as nginx and Apache write it) and JSON with phase times. Formatting only; writing them is
// the ring log's work. Pure; any thread.

#include <cstdint>
#include <string_view>

#include "core/base/address.hpp"
#include "core/base/time.hpp"
#include "core/proxy/ending.hpp"
#include "core/proxy/spec.hpp"

namespace weir::proxy {

// Everything a line can say. Views live until the line is written; a negative duration is "did not happen".
struct AccessRecord {
  WallTime started;
  const Address* client = nullptr;
  std::string_view listener, route, upstream, endpoint;   // names; empty when not reached
  std::string_view method, target, host, referer, user_agent, request_id;
  std::uint8_t minor_version = 1;
  std::uint16_t status = 0;              // 0: nothing was sent
  std::uint64_t bytes_in = 0;            // request body
  std::uint64_t bytes_out = 0;           // response body
  Duration head{-1};                     // first byte to the end of the request head
  Duration connect{-1};                  // getting an upstream connection; 0 for a pooled one
  Duration first_byte{-1};               // request sent to response head received
  Duration total{-1};                    // first byte of the request to the last byte of the response
  std::uint8_t attempts = 0;             // upstream connections tried
  bool reused = false;                   // the upstream connection came from the pool
  Ending ending = Ending::ok;
};

// Writes one line with its line feed into `out`; returns its length. Texts are escaped (combined: \xHH for controls and
// quotes, as nginx does; JSON: by RFC 8259, invalid UTF-8 replaced) and cut to fit; a line is never cut in the middle of
// an escape and always ends with its closing bracket. `size` is at least min_line_room.
inline constexpr std::size_t min_line_room = 1024;
inline constexpr std::size_t line_room = 16 * 1024;
std::size_t write_combined(const AccessRecord& record, char* out, std::size_t size) noexcept;
std::size_t write_json(const AccessRecord& record, char* out, std::size_t size) noexcept;

}  // namespace weir::proxy
