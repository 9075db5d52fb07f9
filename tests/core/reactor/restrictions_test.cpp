// The restriction table: every row has a stable id, says something, and decides something.

#include "core/reactor/restrictions.hpp"

#include <algorithm>
#include <set>
#include <string>
#include <vector>

#include "core/reactor/platforms.hpp"
#include "tests/support/catch.hpp"

using namespace weir;

namespace {

std::vector<Platform> combinations() {
  std::vector<Platform> all;
  for (const Os os : {Os::linux_os, Os::macos, Os::freebsd, Os::openbsd, Os::netbsd, Os::windows}) {
    for (const BackendKind backend : {BackendKind::epoll, BackendKind::io_uring, BackendKind::kqueue, BackendKind::poll,
                                      BackendKind::select, BackendKind::iocp}) {
      for (const int version : {0, 1006, 1008, 1009, 1500}) {
        all.push_back({os, static_cast<std::uint16_t>(version), backend});
      }
    }
  }
  return all;
}

std::string_view refusal(Os os, BackendKind backend, Feature feature, std::uint16_t version = 0) {
  const Ruling found = ruling({os, version, backend}, feature);
  const Restriction* row = restriction(found.rule);
  CHECK(found.allowed == (row == nullptr));
  return row ? row->id : std::string_view("allowed");
}

}  // namespace

TEST_CASE("restriction ids are unique words, and every row has a sentence and a source") {
  std::set<std::string_view> ids;
  for (const Restriction& row : restrictions()) {
    CAPTURE(row.id);
    CHECK(ids.insert(row.id).second);
    CHECK(std::all_of(row.id.begin(), row.id.end(),
                      [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-'; }));
    CHECK(row.sentence.size() > 20);
    CHECK(row.source.size() > 5);
    CHECK(restriction(rule_named(row.id)) == &row);
  }
  CHECK(restriction(0) == nullptr);
  CHECK(restriction(static_cast<RuleId>(restrictions().size() + 1)) == nullptr);
  CHECK(rule_named("no-such-rule") == 0);
}

TEST_CASE("every row is reached by some platform") {
  std::set<RuleId> reached;
  for (const Platform& platform : combinations()) {
    for (std::size_t i = 0; i < feature_count; ++i) reached.insert(ruling(platform, static_cast<Feature>(i)).rule);
    reached.insert(platform_limits(platform).max_sockets_rule);
    reached.insert(platform_limits(platform).clock_rule);
    reached.insert(platform_limits(platform).descriptor_rule);
  }
  for (const Restriction& row : restrictions()) {
    CAPTURE(row.id);
    CHECK(reached.count(rule_named(row.id)) == 1);
  }
}

TEST_CASE("regular files are watched nowhere") {
  for (const Platform& platform : combinations()) {
    const Ruling found = ruling(platform, Feature::regular_files);
    CHECK_FALSE(found.allowed);
    CHECK(restriction(found.rule)->id == "regular-files-not-watchable");
  }
}

TEST_CASE("Linux refuses nothing but regular files and named pipes, with any backend") {
  for (const BackendKind backend :
       {BackendKind::epoll, BackendKind::io_uring, BackendKind::poll, BackendKind::select}) {
    for (std::size_t i = 0; i < feature_count; ++i) {
      const auto feature = static_cast<Feature>(i);
      if (feature == Feature::regular_files || feature == Feature::named_pipes) continue;
      CHECK(refusal(Os::linux_os, backend, feature) == "allowed");
    }
  }
}

TEST_CASE("Windows refuses what asyncio's documentation lists, by backend") {
  for (const BackendKind backend : {BackendKind::iocp, BackendKind::select}) {
    CHECK(refusal(Os::windows, backend, Feature::unix_sockets) == "windows-no-unix-sockets");
    CHECK(refusal(Os::windows, backend, Feature::signal_handlers) == "windows-no-signal-handlers");
    CHECK(refusal(Os::windows, backend, Feature::child_watcher) == "windows-no-child-watcher");
    CHECK(refusal(Os::windows, backend, Feature::stream_sockets) == "allowed");
  }
  CHECK(refusal(Os::windows, BackendKind::iocp, Feature::child_processes) == "allowed");
  CHECK(refusal(Os::windows, BackendKind::iocp, Feature::pipes) == "allowed");
  CHECK(refusal(Os::windows, BackendKind::iocp, Feature::plain_pipes) == "windows-iocp-overlapped-pipes");
  CHECK(refusal(Os::windows, BackendKind::iocp, Feature::watch_descriptor) == "windows-iocp-no-watch");
  CHECK(refusal(Os::windows, BackendKind::iocp, Feature::watch_pipe) == "windows-iocp-no-watch");
  CHECK(refusal(Os::windows, BackendKind::select, Feature::watch_descriptor) == "allowed");
  CHECK(refusal(Os::windows, BackendKind::select, Feature::watch_pipe) == "windows-select-no-pipe-watch");
  CHECK(refusal(Os::windows, BackendKind::select, Feature::pipes) == "windows-select-no-pipes");
  CHECK(refusal(Os::windows, BackendKind::select, Feature::char_devices) == "windows-select-sockets-only");
  CHECK(refusal(Os::windows, BackendKind::select, Feature::child_processes) == "windows-select-no-subprocess");
}

TEST_CASE("named pipes are Windows' own, with the iocp backend") {
  CHECK(refusal(Os::windows, BackendKind::iocp, Feature::named_pipes) == "allowed");
  CHECK(refusal(Os::windows, BackendKind::select, Feature::named_pipes) == "windows-select-no-pipes");
  CHECK(refusal(Os::linux_os, BackendKind::io_uring, Feature::named_pipes) == "named-pipes-windows-only");
  CHECK(refusal(Os::macos, BackendKind::kqueue, Feature::named_pipes, 1008) == "named-pipes-windows-only");
  CHECK(refusal(Os::netbsd, BackendKind::poll, Feature::named_pipes) == "named-pipes-windows-only");
}

TEST_CASE("kqueue refuses character devices up to macOS 10.8 only") {
  CHECK(refusal(Os::macos, BackendKind::kqueue, Feature::char_devices, 1008) == "macos-10-8-kqueue-char-devices");
  CHECK(refusal(Os::macos, BackendKind::kqueue, Feature::char_devices, 1006) == "macos-10-8-kqueue-char-devices");
  CHECK(refusal(Os::macos, BackendKind::kqueue, Feature::char_devices, 1009) == "allowed");
  CHECK(refusal(Os::macos, BackendKind::kqueue, Feature::char_devices) == "allowed");
  CHECK(refusal(Os::macos, BackendKind::select, Feature::char_devices, 1008) == "allowed");
  CHECK(refusal(Os::macos, BackendKind::poll, Feature::char_devices, 1008) == "allowed");
  CHECK(refusal(Os::freebsd, BackendKind::kqueue, Feature::char_devices, 1008) == "allowed");
}

TEST_CASE("limits that are numbers come with their rule") {
  const PlatformLimits windows = platform_limits({Os::windows, 0, BackendKind::select});
  CHECK(windows.max_sockets == 512);
  CHECK(restriction(windows.max_sockets_rule)->id == "windows-select-512");
  CHECK(windows.clock_resolution == std::chrono::microseconds{15'600});
  CHECK(restriction(windows.clock_rule)->id == "windows-clock-15ms");
  CHECK(platform_limits({Os::windows, 0, BackendKind::iocp}).max_sockets == 0);
  const PlatformLimits posix = platform_limits({Os::macos, 0, BackendKind::select});
  CHECK(posix.max_sockets == 1024);
  CHECK(restriction(posix.max_sockets_rule)->id == "posix-select-fd-setsize");
  const PlatformLimits epoll = platform_limits({Os::linux_os, 0, BackendKind::epoll});
  CHECK(epoll.max_sockets == 0);
  CHECK(epoll.max_sockets_rule == 0);
  CHECK(epoll.clock_rule == 0);
  CHECK(restriction(epoll.descriptor_rule)->id == "posix-descriptor-limit");
  CHECK(windows.descriptor_rule == 0);
}

TEST_CASE("a backend of another system does not exist, with its rule") {
  CHECK(refusal(Os::windows, BackendKind::epoll, Feature::this_backend) == "epoll-linux-only");
  CHECK(refusal(Os::macos, BackendKind::io_uring, Feature::this_backend) == "io-uring-linux-only");
  CHECK(refusal(Os::linux_os, BackendKind::kqueue, Feature::this_backend) == "kqueue-bsd-only");
  CHECK(refusal(Os::windows, BackendKind::kqueue, Feature::this_backend) == "kqueue-bsd-only");
  CHECK(refusal(Os::freebsd, BackendKind::iocp, Feature::this_backend) == "iocp-windows-only");
  CHECK(refusal(Os::windows, BackendKind::poll, Feature::this_backend) == "windows-no-poll");
}

TEST_CASE("the platforms that exist are those that no rule denies, once each") {
  std::size_t existing = 0;
  for (const Platform& platform : combinations()) {
    const auto listed = std::count(every_platform().begin(), every_platform().end(), platform);
    CAPTURE(platform_name(platform));
    CHECK(listed <= 1);
    if (listed == 1) CHECK(exists(platform));
    if (exists(platform) && (platform.version == 0 || (platform.os == Os::macos && platform.version == 1008))) {
      CHECK(listed == 1);
      ++existing;
    }
  }
  CHECK(existing == every_platform().size());
}

TEST_CASE("systems, backends and features have names that lead back to them") {
  for (const std::string_view name : os_names()) CHECK(name_of(os_named(name).value()) == name);
  for (const std::string_view name : backend_names()) CHECK(name_of(backend_named(name).value()) == name);
  std::set<std::string_view> features;
  for (std::size_t i = 0; i < feature_count; ++i) CHECK(features.insert(name_of(static_cast<Feature>(i))).second);
  CHECK_FALSE(os_named("beos"));
  CHECK_FALSE(backend_named("auto"));
  CHECK(platform_name({Os::macos, 1008, BackendKind::kqueue}) == "macos-10.8/kqueue");
  CHECK(platform_name({Os::windows, 0, BackendKind::select}) == "windows/select");
  CHECK(preferred_backend(Os::windows) == BackendKind::iocp);
  CHECK(preferred_backend(Os::linux_os) == BackendKind::epoll);
  CHECK(backends_of(Os::freebsd) == "kqueue, poll, select");
}

TEST_CASE("a refusal is not_supported with its rule, and is counted") {
  const RuleId rule = rule_named("windows-no-unix-sockets");
  const std::uint64_t before = times_refused(rule);
  const Error error = refused(rule);
  CHECK(times_refused(rule) == before + 1);
  CHECK(error.code == Errc::not_supported);
  CHECK(error.rule == rule);
}
