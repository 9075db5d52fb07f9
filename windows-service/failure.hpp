#pragma once
// Why the service control manager refused something: a kind to branch upon and a sentence for the administrator, with
// the remedy where there is one. Pure; any thread.

#include <cstdint>
#include <expected>
#include <string>
#include <string_view>

namespace weir::windows_service {

struct Failure {
  enum class Kind : std::uint8_t {
    not_here,  // this system has no service control manager
    not_administrator,
    exists,
    missing,
    marked_for_deletion,
    running,
    not_running,
    busy,  // it starts or stops just now
    disabled,
    account_refused,
    program_missing,
    timed_out,
    ended,  // it stopped while it started: see exit_code
    other,
  };
  Kind kind = Kind::other;
  std::string sentence;
  std::uint32_t code = 0;  // GetLastError(); 0: not from the system
  int exit_code = 0;       // of a service that ended; 0: it gave none
};

template <class T>
using Outcome = std::expected<T, Failure>;

// `doing` goes on "cannot": "install the service weir". `system` is Windows' own sentence, for what has no better one.
Failure failure_from(std::uint32_t code, std::string_view doing, std::string_view system);

}  // namespace weir::windows_service
