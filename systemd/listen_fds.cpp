#include "systemd/listen_fds.hpp"

#include <fmt/format.h>

#include <string_view>

#include "systemd/number.hpp"

namespace weir::systemd {
namespace {

constexpr int first_descriptor = 3;
// Far beyond what FileDescriptorStoreMax= and sockets sum up to; a larger number is not systemd's.
constexpr std::uint64_t most_descriptors = 1U << 20U;

std::vector<std::string> split(std::string_view names) {
  std::vector<std::string> out;
  for (;;) {
    const std::size_t colon = names.find(':');
    out.emplace_back(names.substr(0, colon));
    if (colon == std::string_view::npos) return out;
    names.remove_prefix(colon + 1);
  }
}

}  // namespace

Address PassedDescriptor::address() const noexcept {
  Address out = bound;
  out.path = path;
  return out;
}

std::expected<std::vector<std::string>, std::string> passed_names(const Environment& environment) {
  if (environment.listen_pid.empty()) return {};
  const auto process = parse_number(environment.listen_pid);
  if (!process) return std::unexpected(fmt::format("LISTEN_PID is \"{}\", not a number", environment.listen_pid));
  if (*process != environment.process || environment.listen_fds.empty()) return {};
  const auto count = parse_number(environment.listen_fds);
  if (!count || *count > most_descriptors) {
    return std::unexpected(fmt::format("LISTEN_FDS is \"{}\", not a number of descriptors", environment.listen_fds));
  }
  if (environment.listen_fdnames.empty()) return std::vector<std::string>(*count, "unknown");
  std::vector<std::string> names = split(environment.listen_fdnames);
  if (names.size() != *count) {
    return std::unexpected(
        fmt::format("LISTEN_FDS says {} descriptors, LISTEN_FDNAMES has {} names", *count, names.size()));
  }
  return names;
}

std::expected<std::vector<PassedDescriptor>, std::string> take_passed_descriptors(const Environment& environment) {
  auto names = passed_names(environment);
  if (!names) return std::unexpected(std::move(names.error()));
  std::vector<PassedDescriptor> out;
  out.reserve(names->size());
  for (std::string& name : *names) {
    PassedDescriptor& passed = out.emplace_back();
    passed.name = std::move(name);
    passed.descriptor = first_descriptor + static_cast<int>(out.size()) - 1;
    if (const Error error = inspect(passed)) {
      return std::unexpected(fmt::format("LISTEN_FDS says {} descriptors, but number {} (\"{}\") cannot be used: {}",
                                         names->size(), passed.descriptor, passed.name, describe(error)));
    }
  }
  return out;
}

}  // namespace weir::systemd
