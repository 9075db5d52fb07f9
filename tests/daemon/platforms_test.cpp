// What `weir platforms` says, and the page that is generated from it.

#include "daemon/platforms.hpp"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "core/backends/registry.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/source_directory.hpp"

using namespace weir;
using namespace weir::daemon;

namespace {

std::filesystem::path page() {
  return weir::test::source_directory() / "docs" / "platforms.md";
}

std::string read_page() {
  std::ifstream in(page(), std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

}  // namespace

TEST_CASE("docs/platforms.md is the restriction table's") {
  INFO("run weir_test_daemon \"[update]\" to rewrite it");
  CHECK(read_page() == platforms_markdown());
}

TEST_CASE("Rewrite docs/platforms.md", "[.][update]") {
  std::ofstream(page(), std::ios::binary) << platforms_markdown();
  CHECK(read_page() == platforms_markdown());
}

TEST_CASE("every rule stands in each form, with its source") {
  for (const std::string& text : {platforms_text(), platforms_json(), platforms_markdown()}) {
    for (const Restriction& row : restrictions()) {
      CAPTURE(row.id);
      CHECK(text.find(row.id) != std::string::npos);
      CHECK(text.find(row.sentence) != std::string::npos);
      CHECK(text.find(row.source) != std::string::npos);
    }
  }
}

TEST_CASE("every backend is reported once, with a reason, and auto takes the first that works") {
  const std::vector<BackendReport> reports = backend_reports();
  CHECK(reports.size() == backend_names().size());
  const BackendReport* first = nullptr;
  for (const BackendReport& report : reports) {
    CAPTURE(name_of(report.kind));
    CHECK(!report.reason.empty());
    if (report.state == BackendReport::State::works && first == nullptr) first = &report;
    CHECK(report.chosen == (&report == first));
    const auto made = make_backend(name_of(report.kind));
    CHECK(made.has_value() == (report.state == BackendReport::State::works));
  }
  REQUIRE(first != nullptr);
  CHECK((*make_backend("auto"))->capabilities().name == name_of(first->kind));
}

TEST_CASE("the rules of a platform are those it is refused or bounded by") {
  const std::vector<RuleId> rules = rules_of({Os::windows, 0, BackendKind::select});
  for (const char* id : {"regular-files-not-watchable", "windows-no-unix-sockets", "windows-select-512",
                         "windows-clock-15ms", "windows-select-no-subprocess"}) {
    CAPTURE(id);
    CHECK(std::ranges::count(rules, rule_named(id)) == 1);
  }
  CHECK(std::ranges::count(rules, rule_named("windows-iocp-no-watch")) == 0);
  CHECK(std::ranges::count(rules, rule_named("posix-descriptor-limit")) == 0);
}
