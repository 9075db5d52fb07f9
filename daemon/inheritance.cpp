#include "daemon/inheritance.hpp"

#include <algorithm>
#include <string_view>

#include "core/platform/program.hpp"
#include "systemd/listen_fds.hpp"
#include "systemd/store_name.hpp"

namespace weir::daemon {
namespace {

// The names (as in the descriptor store, with colons between) of the sockets that a predecessor passes as descriptors
// 3, 4, ...; the descriptor behind them is the pipe.
constexpr const char* passed_variable = "WEIR_PASSED_SOCKETS";
constexpr int first_passed = 3;

std::string text_of(const systemd::PassedDescriptor& passed) {
  const Address address = passed.address();
  return address.family == Family::none ? std::string() : to_string(address);
}

// Describes a descriptor that was passed. Nothing, and a problem, if it cannot be listened on.
std::optional<Inherited> look_at(systemd::PassedDescriptor passed, std::vector<std::string>& problems) {
  if (passed.kind != systemd::PassedDescriptor::Kind::listening_stream) {
    problems.push_back("descriptor " + std::to_string(passed.descriptor) + " (" + passed.name +
                       ") is no listening stream socket: it is not used");
    return std::nullopt;
  }
  Inherited one;
  one.name = passed.name;
  one.address = text_of(passed);
  one.native = passed.descriptor;
  return one;
}

void take_from_systemd(Inheritance& all, const systemd::Environment& environment) {
  auto passed = systemd::take_passed_descriptors(environment);
  if (!passed) return all.problems.push_back(passed.error());
  for (systemd::PassedDescriptor& descriptor : *passed) {
    const auto stored = systemd::parse_store_name(descriptor.name);
    auto one = look_at(std::move(descriptor), all.problems);
    if (!one) continue;
    one->from = stored ? Inherited::From::predecessor : Inherited::From::activation;
    if (stored) one->name = stored->listener;
    all.sockets.push_back(std::move(*one));
  }
}

void take_from_predecessor(Inheritance& all, std::string_view names) {
  int descriptor = first_passed;
  for (; !names.empty(); ++descriptor) {
    const std::string_view name = names.substr(0, names.find(':'));
    names.remove_prefix(std::min(names.size(), name.size() + 1));
    systemd::PassedDescriptor passed;
    passed.descriptor = descriptor;
    const auto known = systemd::parse_store_name(name);
    passed.name = known ? known->listener : std::string(name);
    if (systemd::inspect(passed)) continue;
    if (auto one = look_at(std::move(passed), all.problems)) all.sockets.push_back(std::move(*one));
  }
  all.ready = descriptor;
}

}  // namespace

Inheritance take_inheritance(const systemd::Environment& environment) {
  Inheritance all;
  if (const auto names = platform::take_environment_variable(passed_variable)) {
    take_from_predecessor(all, *names);
  } else {
    take_from_systemd(all, environment);
  }
  return all;
}

Bequest bequeath(const std::vector<KeptSocket>& sockets, NativeHandle ready, const systemd::Environment& environment) {
  Bequest bequest;
  std::string names;
  for (const KeptSocket& socket : sockets) {
    bequest.descriptors.push_back(socket.native);
    names += (names.empty() ? "" : ":") + systemd::to_string({socket.listener, socket.id}).value_or("unnamed");
  }
  bequest.descriptors.push_back(ready);
  for (const std::string& assignment : systemd::environment_of_successor(environment)) {
    const std::size_t equals = assignment.find('=');
    bequest.environment.push_back({assignment.substr(0, equals), assignment.substr(equals + 1)});
  }
  bequest.environment.push_back({passed_variable, names});
  return bequest;
}

}  // namespace weir::daemon
