#pragma once
// Catch2 as a part of another program: runs the tests of a tag and collects what failed, without a word of its own. The
// one place that knows how v2 and v3 differ in this. Included by one source of a program that has no other Catch main.

#define CATCH_CONFIG_RUNNER
#include <cstddef>
#include <cstdio>
#include <sstream>
#include <string>
#include <vector>

#include "tests/support/catch.hpp"

namespace weir::test {

struct Collected {
  std::size_t passed = 0;
  std::size_t failed = 0;
  std::vector<std::string> failures;
};

inline Collected* collecting = nullptr;  // where the reporter puts it

inline const std::string& name_in(const Catch::TestCaseInfo& info) { return info.name; }
inline const std::string& name_in(const Catch::TestCaseInfo* info) { return info->name; }

#if __has_include(<catch2/catch_all.hpp>)
using ReporterBase = Catch::StreamingReporterBase;
using AssertionVerdict = void;
#define WEIR_KEEP_NO_ASSERTIONS
#else
class SilentReporter;
using ReporterBase = Catch::StreamingReporterBase<SilentReporter>;
using AssertionVerdict = bool;
#define WEIR_KEEP_NO_ASSERTIONS return false
#endif

// One failed test is one line: its name, then each failed assertion with its place and what it came to.
class SilentReporter : public ReporterBase {
 public:
  using ReporterBase::ReporterBase;
  static std::string getDescription() { return "collects failures for weir selftest"; }

  void assertionStarting(const Catch::AssertionInfo&) override {}
  AssertionVerdict assertionEnded(const Catch::AssertionStats& stats) override {
    const Catch::AssertionResult& result = stats.assertionResult;
    if (!result.isOk()) {
      std::ostringstream line;
      line << "; " << result.getSourceInfo() << ": ";
      if (result.hasExpression()) {
        line << result.getExpression() << " came to " << result.getExpandedExpression();
      } else {
        line << std::string(result.getMessage());
      }
      complaints_ += line.str();
      // After this one the process is gone, and what was collected is not read.
      if (result.getResultType() == Catch::ResultWas::FatalErrorCondition) {
        std::fprintf(stderr, "FAILED %s%s\n", running_.c_str(), complaints_.c_str());
      }
    }
    WEIR_KEEP_NO_ASSERTIONS;
  }
  void testCaseStarting(const Catch::TestCaseInfo& info) override {
    running_ = info.name;
    ReporterBase::testCaseStarting(info);
  }
  void testCaseEnded(const Catch::TestCaseStats& stats) override {
    if (stats.totals.assertions.failed == 0) {
      ++collecting->passed;
    } else {
      ++collecting->failed;
      collecting->failures.push_back(name_in(stats.testInfo) + complaints_);
    }
    complaints_.clear();
    ReporterBase::testCaseEnded(stats);
  }

 private:
  std::string running_;
  std::string complaints_;
};

// Runs what a Catch2 test specification selects. May be called again and again.
inline Collected run_tests(const std::string& specification) {
  static const Catch::ReporterRegistrar<SilentReporter> registered("silent");
  static Catch::Session session;
  Collected collected;
  collecting = &collected;
  const char* const arguments[] = {"selftest", specification.c_str(), "--reporter", "silent"};
  session.useConfigData(Catch::ConfigData{});
  if (session.applyCommandLine(4, arguments) == 0) session.run();
  collecting = nullptr;
  return collected;
}

}  // namespace weir::test
