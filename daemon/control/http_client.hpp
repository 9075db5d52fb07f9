#pragma once
// One HTTP request to a process of this machine and its whole answer, within a time limit, by weir's own upstream side.
// The reactor's thread.

#include <cstdint>
#include <string>

#include "core/base/address.hpp"
#include "core/base/error.hpp"
#include "core/base/time.hpp"
#include "core/coro/task.hpp"
#include "core/reactor/reactor.hpp"

namespace weir::daemon {

struct HttpCall {
  std::string method = "GET";
  std::string path;
  std::string body;  // JSON; empty: none
};

struct HttpReply {
  std::uint16_t status = 0;  // 0: there was no answer
  std::string body;
  // Why there was none: not connected, or no whole answer.
  Error not_connected{};
  std::string problem;
};

// `address` and the text it views into stay in place meanwhile.
Task<HttpReply> ask(Reactor& reactor, const Address& address, const HttpCall& call, Duration timeout);

}  // namespace weir::daemon
