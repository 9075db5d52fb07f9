#pragma once
// Handler: answers requests inside the process: the control socket. Reached by a route whose action is RouteSpec::handled;
// keep-alive, HEAD, limits and the access log are those of weir's own answers. The thread of the server that has it.

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "core/coro/task.hpp"
#include "core/http/head.hpp"
#include "core/proxy/spec.hpp"

namespace weir {
class Handle;
}

namespace weir::proxy {

// A request that has been read to its end. The views stay valid until the answer has been given.
struct HandlerRequest {
  const http::RequestHead* head = nullptr;
  std::string_view path;               // normalised, without the query
  std::string_view body;               // without its coding; at most the route's max_body
  const Handle* connection = nullptr;  // who asks, for core/platform; null: the system knows nothing of it
};

// Sent with its length: the whole answer is in memory.
struct HandlerAnswer {
  std::uint16_t status = 200;
  std::string content_type;              // of a body that is not empty
  std::vector<HeaderEdit::Line> fields;  // sent as they are, besides those of every answer
  std::string body;
};

// Of a route without a max_body. Bytes.
inline constexpr std::size_t usual_handled_body = 64 * 1024;

class Handler {
 public:
  // May take its time and does nothing that blocks. It is awaited to its end even if the client leaves or the server
  // stops, so it ends by itself when its owner ends. What it throws is answered with 500.
  virtual Task<HandlerAnswer> handle(const HandlerRequest& request) = 0;

 protected:
  ~Handler() = default;
};

}  // namespace weir::proxy
