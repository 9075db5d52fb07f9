#pragma once
// Paths as text: UTF-8 on every system, where std::filesystem takes a string for the system's own encoding. Any thread.

#include <filesystem>
#include <string>
#include <string_view>

namespace weir {

inline std::filesystem::path path_of(std::string_view text) {
  return {std::u8string_view(reinterpret_cast<const char8_t*>(text.data()), text.size())};
}

inline std::string text_of(const std::filesystem::path& path) {
  const std::u8string text = path.u8string();
  return {reinterpret_cast<const char*>(text.data()), text.size()};
}

}  // namespace weir
