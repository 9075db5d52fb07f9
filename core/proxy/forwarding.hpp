#pragma once
// What is known about a request or a response when its head is passed on, whatever protocol carries it, and whom a
// request is attributed to. What becomes of the head is decided in head_policy.hpp and written in h1/head_writer.hpp.
// Plain values and pure functions; any thread.

#include <cstdint>
#include <span>
#include <string_view>

#include "core/base/address.hpp"
#include "core/http/head.hpp"
#include "core/proxy/header_edits.hpp"
#include "core/proxy/spec.hpp"

namespace weir::proxy {

// How the request's body is sent on.
struct BodyPlan {
  http::Framing framing = http::Framing::none;
  std::uint64_t length = 0;
};

struct ForwardRequest {
  const http::RequestHead* head = nullptr;
  const Forwarding* rules = nullptr;
  const http::Limits* limits = &http::usual_limits;  // of the response; outlive the exchange
  std::span<const AppliedEdit> edits;  // in the order in which they apply
  const Address* client = nullptr;
  bool client_trusted = false;       // peer is in trusted_proxies
  std::string_view scheme = "http";  // of the listener
  std::string_view target;           // as sent on: the received one, or rewritten
  std::string_view host;             // as sent on; empty: as received
  std::string_view request_id;       // empty: none is sent
  bool upgrade = false;              // pass Upgrade and "Connection: upgrade" on
  bool close = false;                // adds Connection: close
  BodyPlan body;
};

struct ForwardResponse {
  const http::ResponseHead* head = nullptr;
  const Forwarding* rules = nullptr;
  std::span<const AppliedEdit> edits;  // in the order in which they apply
  std::string_view request_id;       // echoed unless empty
  std::string_view date;             // now, for a final response that has no Date; empty: none is added
  std::uint8_t client_minor_version = 1;
  bool close = false;  // adds Connection: close (or keep-alive to an HTTP/1.0 client that asked)
  bool keep_alive_1_0 = false;
  bool upgrade = false;
  BodyPlan body;             // framing none writes no framing field: what the head had (HEAD, 304) stays
  bool keep_length = false;  // HEAD, 304: Content-Length of the head is passed on as it is
};

// The address a request is attributed to: the peer, or what a trusted peer says in X-Forwarded-For (the rightmost
// address that is not trusted itself).
Address client_of(const http::RequestHead& head, const Address& peer, const Forwarding& rules) noexcept;
bool is_trusted(const Address& peer, const Forwarding& rules) noexcept;

}  // namespace weir::proxy
