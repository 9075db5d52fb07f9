#pragma once
// Judges a configuration for a platform, on any host: what the restriction table refuses, and the arithmetic of
// sockets, descriptors and clock steps. Opens nothing, asks the system nothing. Any thread.

#include <cstdint>
#include <expected>
#include <string>
#include <string_view>
#include <vector>

#include "config/demands.hpp"
#include "config/diagnostic.hpp"
#include "core/proxy/spec.hpp"
#include "core/reactor/platforms.hpp"

namespace weir::config {

// What a configuration is judged for.
struct Target {
  Platform platform{};
  bool backend_given = false;      // platform.backend beats runtime.backend; else that, or what auto takes
  std::uint32_t workers = 1;       // what `workers: auto` is there
  std::uint64_t descriptors = 0;   // limit of the process; 0: not known, and not judged
  bool descriptors_given = false;  // that limit was stated explicitly: exceeding it is an error instead of a warning
};

// "linux", "windows/select", "macos-10.8", "macos-10.8/kqueue". The error is a sentence with what would be right.
std::expected<Target, std::string> parse_target(std::string_view text);

// The target with the backend that the configuration will have there.
Platform effective_platform(const proxy::Spec& spec, const Target& target);

// Errors where the platform refuses the configuration, warnings where it only bends it; each with its rule and the
// platform as its target. In the order of demands, then numbers.
std::vector<Diagnostic> judge(const proxy::Spec& spec, const Demands& demands, const Target& target);

// The same finding for several targets becomes one that names them all. Keeps the order of first mention.
std::vector<Diagnostic> merged(std::vector<Diagnostic> findings);

}  // namespace weir::config
