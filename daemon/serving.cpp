#include "daemon/serving.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace weir::daemon {
namespace {

std::string workers_text(std::uint32_t workers) { return workers == 0 ? "auto" : std::to_string(workers); }

}  // namespace

Shares share_out(const proxy::Spec& spec, std::uint32_t workers, std::size_t limit, std::size_t used) {
  constexpr std::size_t reserve = 8;  // a log that is reopened, an accept that is turned away
  used += proxy::sockets_of_checks(spec) + proxy::descriptors_of_scripts(spec) + reserve;
  const std::size_t left = limit > used ? limit - used : 0;
  std::size_t pools = 0;  // an endpoint of a worker has one
  std::size_t kept = 0;
  for (const proxy::UpstreamSpec& upstream : spec.upstreams) {
    pools += upstream.endpoints.size() * workers;
    kept += upstream.endpoints.size() * workers * upstream.max_idle;
  }
  if (pools <= 1) kept = 0;  // a single pool holds no more than the clients have used at a time
  Shares shares;
  if (kept > left / 3) {
    kept = left / 3;
    shares.max_idle = static_cast<std::uint32_t>(std::max<std::size_t>(1, kept / pools));
  }
  shares.max_connections = static_cast<std::uint32_t>(std::max<std::size_t>(1, (left - kept) / 2));
  return shares;
}

std::shared_ptr<const proxy::Snapshot> Serving::compile(std::shared_ptr<const proxy::Spec> specification,
                                                        const Resolved& names, std::size_t listening) {
  const Shares shares = share_out(*specification, workers, descriptors, descriptors_used + listening);
  proxy::Findings findings;
  findings.states = &endpoints;
  findings.listeners = &listeners;
  findings.addresses = names.addresses;
  findings.max_idle = shares.max_idle;
  findings.max_connections = shares.max_connections;
  return std::make_shared<const proxy::Snapshot>(std::move(specification), findings);
}

void Serving::take_up(std::shared_ptr<const proxy::Spec> specification,
                      std::shared_ptr<const proxy::Snapshot> compiled) {
  earlier.push_back(std::move(snapshot));
  spec = std::move(specification);
  snapshot = std::move(compiled);
  let_go_of_unused();
}

void Serving::let_go_of_unused() {
  std::erase_if(earlier, [](const auto& one) { return one.use_count() == 1; });
}

std::vector<std::string> needs_restart(const proxy::Spec& now, const proxy::Spec& next, const Overrides& overrides) {
  std::vector<std::string> found;
  const auto differs = [&](std::string_view key, std::string_view before, std::string_view after) {
    if (before != after) found.push_back(fmt::format("{} is {} and would be {}", key, before, after));
  };
  if (!overrides.workers) differs("runtime.workers", workers_text(now.runtime.workers), workers_text(next.runtime.workers));
  if (overrides.backend.empty()) differs("runtime.backend", now.runtime.backend, next.runtime.backend);
  if (overrides.control.empty()) differs("runtime.control", now.runtime.control, next.runtime.control);
  differs("runtime.buffer_size", std::to_string(now.runtime.buffer_size), std::to_string(next.runtime.buffer_size));
  differs("runtime.max_scripts", std::to_string(now.runtime.max_scripts), std::to_string(next.runtime.max_scripts));
  const auto is_on = [](const proxy::Spec& spec) { return spec.access_log.enabled ? "on" : "off"; };
  differs("access_log", is_on(now), is_on(next));
  return found;
}

}  // namespace weir::daemon
