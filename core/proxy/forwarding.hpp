#pragma once
// Turns a received head into the head that is passed on, as slices: runs of received lines as they are, around the
// lines that are removed, replaced or added. Hop-by-hop fields go (RFC 9110 section 7.6.1, also what Connection names),
// framing is written by weir, forwarding fields are appended or, from peers that are not trusted, replaced. Pure.

#include <cstdint>
#include <string_view>

#include "core/base/address.hpp"
#include "core/http/h1_writer.hpp"
#include "core/http/head.hpp"
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
  const HeaderEdit* edit = nullptr;  // may be null
  const Address* client = nullptr;
  bool client_trusted = false;       // peer is in trusted_proxies
  std::string_view scheme = "http";  // of the listener
  std::string_view target;           // as sent on: the received one, or rewritten
  std::string_view host;             // as sent on; empty: as received
  std::string_view request_id;       // empty: none is sent
  bool upgrade = false;              // pass Upgrade and "Connection: upgrade" on
  BodyPlan body;
};
// Texts of the request stay where they are until the slices are sent: long ones are referred to.
// The connection to the upstream is always persistent HTTP/1.1; nothing is written for that.
void write_request_head(const ForwardRequest& request, http::SliceWriter& out) noexcept;

struct ForwardResponse {
  const http::ResponseHead* head = nullptr;
  const Forwarding* rules = nullptr;
  const HeaderEdit* edit = nullptr;  // may be null
  std::string_view request_id;       // echoed unless empty
  std::uint8_t client_minor_version = 1;
  bool close = false;  // adds Connection: close (or keep-alive to an HTTP/1.0 client that asked)
  bool keep_alive_1_0 = false;
  bool upgrade = false;
  BodyPlan body;             // framing none writes no framing field: what the head had (HEAD, 304) stays
  bool keep_length = false;  // HEAD, 304: Content-Length of the head is passed on as it is
};
void write_response_head(const ForwardResponse& response, http::SliceWriter& out) noexcept;

// The address a request is attributed to: the peer, or what a trusted peer says in X-Forwarded-For (the rightmost
// address that is not trusted itself).
Address client_of(const http::RequestHead& head, const Address& peer, const Forwarding& rules) noexcept;
bool is_trusted(const Address& peer, const Forwarding& rules) noexcept;

// Expands ${scheme} ${host} ${path} ${query} ${uri} of a redirect location. Control characters never get in.
// The host is written without a port; a path that would begin the location as "//" cannot make it point to another
// host. `query` may have its question mark or not; ${query} has none.
struct RedirectContext {
  std::string_view scheme, host, path, query;
};
void write_location(std::string_view location, const RedirectContext& context, http::SliceWriter& out) noexcept;

}  // namespace weir::proxy
