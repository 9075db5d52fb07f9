#pragma once
// `weir proxy LISTEN TARGET...` as a specification: one listener, one upstream, no file. Pure.

#include <expected>
#include <memory>
#include <string>

#include "core/proxy/spec.hpp"
#include "daemon/cli.hpp"

namespace weir::daemon {

// The error is a sentence about the wrong argument: wrong usage.
std::expected<std::shared_ptr<const proxy::Spec>, std::string> spec_of(const ProxyCommand& command);

// Splits "localhost:3000" or "[::1]:3000" into host and port; false if it is neither.
bool split_host_port(std::string_view text, std::string& host, std::uint16_t& port);

}  // namespace weir::daemon
