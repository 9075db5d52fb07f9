#pragma once
// The user of Basic credentials (RFC 7617), for the access log. Nobody is authenticated here, and the password is not
// kept. Pure; any thread.

#include <span>
#include <string_view>

namespace weir::proxy {

// `authorization` is the field's value. The user is decoded into `room`, and cut to it. Empty: there is none.
std::string_view basic_user(std::string_view authorization, std::span<char> room) noexcept;

}  // namespace weir::proxy
