#pragma once
// The verbs of the control socket: what a command is as an HTTP request. One table for the command line, the socket's
// server and client, and the tests. Pure; any thread.

#include <span>
#include <string_view>

#include "daemon/lifecycle.hpp"

namespace weir::daemon {

struct Verb {
  Request request;
  std::string_view command;  // as typed behind "weir"
  std::string_view path;     // POST
  std::string_view body;     // JSON; empty: none
};

// One for each Request, in its order.
std::span<const Verb> verbs() noexcept;
const Verb& verb_of(Request request) noexcept;

inline constexpr std::string_view status_path = "/v1/status";  // GET

}  // namespace weir::daemon
