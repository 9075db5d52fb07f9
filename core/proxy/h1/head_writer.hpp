#pragma once
// Writes the head that is passed on over HTTP/1, as slices: runs of received lines as they are, around those that the
// policy (head_policy.hpp) drops, and behind them what it adds. Start line, framing and Connection are weir's own.
// Pure; on the exchange's thread; nothing is allocated but a buffer for a head that has many changes.

#include "core/http/h1_writer.hpp"
#include "core/proxy/forwarding.hpp"

namespace weir::proxy {

// Texts of the head and the request stay where they are until the slices are sent: long ones are referred to.
// The connection to the upstream is always persistent HTTP/1.1; nothing is written for that.
void write_request_head(const ForwardRequest& request, http::SliceWriter& out) noexcept;
void write_response_head(const ForwardResponse& response, http::SliceWriter& out) noexcept;

}  // namespace weir::proxy
