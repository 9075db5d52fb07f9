// The table of mistakes: each has its whole message, and none passes silently. tests/config/mistakes.txt has for each
//   === what was done
//   the file
//   ---
//   what is said
#include <sstream>

#include "tests/config/support.hpp"

using namespace weir;
using namespace weir::config;
using namespace weir::config::test;

namespace {

struct Mistake {
  std::string title, file, message;
};

std::filesystem::path table() { return weir::test::source_directory() / "tests" / "config" / "mistakes.txt"; }

std::vector<Mistake> mistakes() {
  std::vector<Mistake> out;
  std::ifstream in(table(), std::ios::binary);
  bool in_message = false;
  for (std::string line; std::getline(in, line);) {
    if (line.starts_with("=== ")) {
      out.emplace_back().title = line.substr(4);
      in_message = false;
    } else if (line == "---") {
      in_message = true;
    } else if (!out.empty()) {
      (in_message ? out.back().message : out.back().file) += line + "\n";
    }
  }
  return out;
}

// What is wrong with the form of a message; empty: nothing.
std::string fault(const Diagnostic& found) {
  if (found.line == 0 || found.column == 0) return "no place";
  if (found.hint.empty()) return "no remedy";
  if (found.source_line.empty() && found.message != "the file contains no configuration") return "no line";
  return {};
}

}  // namespace

TEST_CASE("Every mistake has its whole message") {
  const std::vector<Mistake> all = mistakes();
  CHECK(all.size() >= 45);
  for (const Mistake& mistake : all) {
    INFO(mistake.title << "\nif this is right: weir_test_config \"[update]\"");
    const LoadResult result = load(mistake.file);
    REQUIRE_FALSE(result.diagnostics.empty());
    CHECK(all_messages(result) == mistake.message);
    for (const Diagnostic& found : result.diagnostics) CHECK(fault(found) == "");
  }
}

TEST_CASE("Write the messages of the mistakes anew", "[.][update]") {
  std::ostringstream out;
  for (const Mistake& mistake : mistakes()) {
    out << "=== " << mistake.title << "\n" << mistake.file << "---\n" << all_messages(load(mistake.file));
  }
  std::ofstream(table(), std::ios::binary) << out.str();
  CHECK(mistakes().size() >= 45);
}
