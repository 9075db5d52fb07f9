#pragma once
// Reads a configuration file into a Spec. The only entry to config/: no state is kept between calls, nothing is
// resolved, bound or opened but the files that the configuration names. Called at start and on reload, from one thread
// at a time.

#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "config/demands.hpp"
#include "config/diagnostic.hpp"
#include "core/proxy/spec.hpp"

namespace weir::config {

struct LoadResult {
  std::shared_ptr<const proxy::Spec> spec;  // null exactly when a diagnostic is an error
  std::vector<Diagnostic> diagnostics;      // every finding, in the order of the files
  Demands demands;                          // for platform_check.hpp
  std::vector<Os> systems;                  // those with overrides in the section `platform`

  explicit operator bool() const noexcept { return spec != nullptr; }
};

// For one system its overrides in the section `platform` are merged in; without one the section is only looked at.
LoadResult load_file(const std::filesystem::path& path, std::optional<Os> os = {});

// `name` stands in messages for the file; include: and !file are relative to its directory.
LoadResult load_text(std::string_view text, std::string_view name, std::optional<Os> os = {});

}  // namespace weir::config
