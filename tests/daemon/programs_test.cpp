// Whether a program of a configuration can be started.
#include "daemon/programs.hpp"

#include <filesystem>
#include <fstream>
#include <random>

#include "core/backends/registry.hpp"
#include "core/base/path.hpp"
#include "tests/support/catch.hpp"

using namespace weir;
using namespace weir::daemon;

namespace {

namespace fs = std::filesystem;

class Directory {
 public:
  Directory() {
    std::random_device random;
    path_ = fs::temp_directory_path() / ("weir-programs-" + std::to_string(random()) + std::to_string(random()));
    fs::create_directories(path_);
  }
  ~Directory() {
    std::error_code ignored;
    fs::remove_all(path_, ignored);
  }
  Directory(const Directory&) = delete;
  Directory& operator=(const Directory&) = delete;

  std::string file(const char* name, fs::perms permissions) const {
    std::ofstream(path_ / name) << "#!/bin/sh\n";
    fs::permissions(path_ / name, permissions);
    return text_of(path_ / name);
  }
  const fs::path& path() const { return path_; }

 private:
  fs::path path_;
};

bool says(const std::string& program, std::string_view part) {
  const std::string why = why_not_startable(program);
  INFO(program << ": " << why);
  CHECK(why.find(part) != std::string::npos);
  return !why.empty();
}

}  // namespace

TEST_CASE("A program is a regular file that may be executed") {
  const Directory directory;
  CHECK(why_not_startable(directory.file("good", fs::perms::owner_all)).empty());
  CHECK(says(text_of(directory.path() / "absent"), "there is no file"));
  CHECK(says(text_of(directory.path()), "is a directory"));
  if (compiled_os() != Os::windows) {
    CHECK(says(directory.file("plain", fs::perms::owner_read | fs::perms::owner_write), "is not executable"));
  }
}

TEST_CASE("A name without a separator is looked up in PATH") {
  CHECK(why_not_startable(compiled_os() == Os::windows ? "cmd" : "sh").empty());
  CHECK(says("weir-no-such-program", "no directory in PATH"));
}

TEST_CASE("What is missing is a warning at its place") {
  config::Program program;
  program.name = "weir-no-such-program";
  program.place.file = "weir.yaml";
  program.place.line = 7;
  const auto findings = missing_programs({program});
  REQUIRE(findings.size() == 1);
  CHECK(findings[0].severity == config::Severity::warning);
  CHECK(findings[0].line == 7);
  CHECK(findings[0].hint.find("endpoints are down") != std::string::npos);
}
