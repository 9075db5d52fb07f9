#include "daemon/version.hpp"

#include <fmt/format.h>

#include <CLI/CLI.hpp>

#include "core/backends/registry.hpp"
#include "core/reactor/restrictions.hpp"

namespace weir::daemon {
namespace {

std::string compiler() {
#if defined(__clang__)
  return fmt::format("clang {}", __clang_version__);
#elif defined(__GNUC__)
  return fmt::format("GCC {}", __VERSION__);
#else
  return "unknown";
#endif
}

// "sockets: at most 1024" and what else the platform forbids this backend.
std::string notes_on(const Capabilities& capabilities) {
  std::string notes;
  if (capabilities.max_sockets != 0) notes = fmt::format(", at most {} descriptors", capabilities.max_sockets);
  return notes;
}

std::string backends() {
  std::string text;
  bool chosen = false;
  for (const BackendInfo& backend : compiled_backends()) {
    const auto made = backend.make();
    if (!made) {
      text += fmt::format("  {:<9} cannot be used here: {}\n", backend.name, describe(made.error()));
      continue;
    }
    text += fmt::format("  {:<9} works{}{}\n", backend.name, notes_on((*made)->capabilities()),
                        chosen ? "" : "; chosen for \"auto\": the first in this order that works");
    chosen = true;
  }
  return text;
}

}  // namespace

std::string_view version() noexcept { return WEIR_VERSION; }

std::string version_details() {
  return fmt::format(
      "compiler: {}\n"
      "build: {}\n"
      "backends, in order of preference:\n{}"
      "libraries: fmt {}.{}.{}, yaml-cpp {}, CLI11 {}\n",
      compiler(), WEIR_BUILD, backends(), FMT_VERSION / 10000, FMT_VERSION / 100 % 100, FMT_VERSION % 100,
      WEIR_YAML_CPP_VERSION, CLI11_VERSION);
}

}  // namespace weir::daemon
