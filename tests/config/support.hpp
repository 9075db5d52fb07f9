#pragma once
// What the tests of config/ share: loading a text, finding a diagnostic, a directory that is removed at the end.

#include <chrono>
#include <filesystem>
#include <fstream>
#include <random>
#include <string>
#include <string_view>

#include "config/load.hpp"
#include "core/base/path.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/source_directory.hpp"

namespace weir::config::test {

inline std::filesystem::path source_directory() {
  return weir::test::source_directory() / "config";
}

inline std::string all_messages(const LoadResult& result) {
  std::string out;
  for (const Diagnostic& diagnostic : result.diagnostics) out += render(diagnostic);
  return out;
}

inline LoadResult load(std::string_view text) { return load_text(text, "weir.yaml"); }

// Loads a text that must be good, without a warning.
inline std::shared_ptr<const proxy::Spec> good(std::string_view text) {
  const LoadResult result = load(text);
  INFO(all_messages(result));
  REQUIRE(result.diagnostics.empty());
  REQUIRE(result.spec);
  return result.spec;
}

// The one diagnostic of a text.
inline Diagnostic only(std::string_view text) {
  const LoadResult result = load(text);
  INFO(text << "\n" << all_messages(result));
  REQUIRE(result.diagnostics.size() == 1);
  const bool refused = result.diagnostics[0].severity == Severity::error;
  REQUIRE((result.spec == nullptr) == refused);
  return result.diagnostics[0];
}

inline bool contains(std::string_view text, std::string_view part) { return text.find(part) != std::string_view::npos; }

// Frame of most tests: a listener and an upstream around the routes.
inline std::string with_routes(std::string_view routes) {
  return "listeners: { web: { bind: \":8080\", upstream: app } }\nupstreams: { app: [\"127.0.0.1:3000\"] }\nroutes:\n" +
         std::string(routes);
}
inline const proxy::RouteSpec route_of(std::string_view route) { return good(with_routes(route))->routes.at(0); }

class Directory {
 public:
  Directory() {
    std::random_device random;
    path_ =
        std::filesystem::temp_directory_path() / ("weir-config-" + std::to_string(random()) + std::to_string(random()));
    std::filesystem::create_directories(path_);
  }
  ~Directory() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  Directory(const Directory&) = delete;
  Directory& operator=(const Directory&) = delete;

  std::filesystem::path write(const std::string& name, std::string_view text) const {
    const std::filesystem::path file = path_ / path_of(name);
    std::filesystem::create_directories(file.parent_path());
    std::ofstream(file, std::ios::binary) << text;
    return file;
  }
  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

}  // namespace weir::config::test
