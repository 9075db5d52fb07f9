#pragma once
// Errors as 8-byte values. An Error carries weir's portable code, the id of the platform rule that refused the
// operation (not_supported only), and the operating system's own code for the log. Any thread; never allocates,
// except in describe().

#include <cstdint>
#include <expected>
#include <string>
#include <string_view>

namespace weir {

enum class Errc : std::uint8_t {
  ok,
  would_block,  // never leaves a backend
  cancelled,    // Backend::cancel, before a result came
  timed_out,
  end_of_stream,  // the peer ended the stream where more was needed
  connection_reset,
  connection_refused,
  connection_aborted,
  broken_pipe,
  not_connected,
  address_in_use,
  address_not_available,
  host_unreachable,
  network_unreachable,
  permission_denied,
  not_found,
  already_exists,
  descriptor_limit,  // EMFILE, ENFILE
  out_of_memory,     // ENOMEM, ENOBUFS
  not_supported,     // refused by a rule of the restriction table: see Error::rule
  bad_argument,
  bad_descriptor,
  message_too_large,
  limit_exceeded,  // one of weir's own limits
  protocol_error,  // the peer broke the protocol
  interrupted,
  unknown,
};

struct Error {
  Errc code = Errc::ok;
  std::uint16_t rule = 0;   // RuleId of core/reactor/restrictions.hpp; 0: none
  std::int32_t native = 0;  // errno, WSAGetLastError() or 0; for logs only, never branched upon

  constexpr Error() noexcept = default;
  constexpr Error(Errc c, std::int32_t os = 0) noexcept : code(c), native(os) {}  // NOLINT(google-explicit-constructor)

  constexpr explicit operator bool() const noexcept { return code != Errc::ok; }
  friend constexpr bool operator==(const Error& a, const Error& b) noexcept { return a.code == b.code; }
};
static_assert(sizeof(Error) == 8);

template <class T>
using Result = std::expected<T, Error>;

// Has this process run out of something: descriptors, memory, sockets that its backend takes, one of weir's own limits?
// Such an error says nothing about the peer, and goes away when something else ends. A refusal by a platform rule
// counts: what a running proxy meets of them are limits (select's number of sockets), the rest is refused before it
// starts.
constexpr bool is_local_exhaustion(const Error& error) noexcept {
  return error.code == Errc::descriptor_limit || error.code == Errc::out_of_memory ||
         error.code == Errc::not_supported || error.code == Errc::limit_exceeded;
}

// "connection_reset": the stable word used in logs and metrics. Static storage.
std::string_view name_of(Errc code) noexcept;

// "connection reset by peer (os error 104)", or "timed out" when the system gave no code: for people.
std::string describe(const Error& error);

}  // namespace weir
