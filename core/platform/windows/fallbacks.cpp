#include "core/platform/fallbacks.hpp"

#include <cstdlib>
#include <string_view>

namespace weir::platform {

bool fallbacks_forced() noexcept {
  const char* text = std::getenv("WEIR_FORCE_FALLBACKS");
  return text != nullptr && *text != '\0' && std::string_view(text) != "0";
}

}  // namespace weir::platform
