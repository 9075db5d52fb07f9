#include "core/platform/files.hpp"

namespace weir::platform {

std::FILE* open_for_append(const std::string& path) noexcept {
  std::FILE* file = std::fopen(path.c_str(), "ae");  // systems that do not know the letter e ignore it
  if (file != nullptr) std::setvbuf(file, nullptr, _IONBF, 0);
  return file;
}

}  // namespace weir::platform
