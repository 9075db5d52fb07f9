#include "core/base/error.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <system_error>

namespace weir {

std::string_view name_of(Errc code) noexcept {
  switch (code) {
    case Errc::ok: return "ok";
    case Errc::would_block: return "would_block";
    case Errc::cancelled: return "cancelled";
    case Errc::timed_out: return "timed_out";
    case Errc::end_of_stream: return "end_of_stream";
    case Errc::connection_reset: return "connection_reset";
    case Errc::connection_refused: return "connection_refused";
    case Errc::connection_aborted: return "connection_aborted";
    case Errc::broken_pipe: return "broken_pipe";
    case Errc::not_connected: return "not_connected";
    case Errc::address_in_use: return "address_in_use";
    case Errc::address_not_available: return "address_not_available";
    case Errc::host_unreachable: return "host_unreachable";
    case Errc::network_unreachable: return "network_unreachable";
    case Errc::permission_denied: return "permission_denied";
    case Errc::not_found: return "not_found";
    case Errc::already_exists: return "already_exists";
    case Errc::descriptor_limit: return "descriptor_limit";
    case Errc::out_of_memory: return "out_of_memory";
    case Errc::not_supported: return "not_supported";
    case Errc::bad_argument: return "bad_argument";
    case Errc::bad_descriptor: return "bad_descriptor";
    case Errc::message_too_large: return "message_too_large";
    case Errc::limit_exceeded: return "limit_exceeded";
    case Errc::protocol_error: return "protocol_error";
    case Errc::interrupted: return "interrupted";
    case Errc::unknown: return "unknown";
  }
  return "unknown";
}

std::string describe(const Error& error) {
  if (error.native != 0) {
    // The system's category is strerror's thread-safe form here and FormatMessage on Windows.
    std::string text = std::system_category().message(error.native);
    while (!text.empty() && (text.back() == '\n' || text.back() == '\r' || text.back() == '.')) text.pop_back();
    // "Connection reset" goes on in lower case; an abbreviation such as "RPC ..." stays as it is.
    if (text.size() > 1 && std::islower(static_cast<unsigned char>(text[1])) != 0) {
      text[0] = static_cast<char>(std::tolower(static_cast<unsigned char>(text[0])));
    }
    return fmt::format("{} (os error {})", text, error.native);
  }
  std::string text(name_of(error.code));
  std::replace(text.begin(), text.end(), '_', ' ');
  if (error.rule != 0) text += fmt::format(" (platform rule {})", error.rule);
  return text;
}

}  // namespace weir
