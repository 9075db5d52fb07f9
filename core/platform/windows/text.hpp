#pragma once
// Between UTF-8, which weir speaks, and the UTF-16 of Windows; and the system's sentences for its errors. Any thread;
// owns nothing.

#include <string>
#include <string_view>

namespace weir::platform {

std::wstring to_wide(std::string_view text);  // what is no UTF-8 becomes U+FFFD
std::string to_utf8(std::wstring_view text);
std::string system_message(unsigned long code);  // without a line end; "error 123" when there is none

}  // namespace weir::platform
