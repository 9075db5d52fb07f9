#include "core/proxy/engine.hpp"

#include "core/base/log.hpp"

namespace weir::proxy {

namespace {

SnapshotRef hold(std::shared_ptr<const Snapshot> compiled, UpstreamPools& pools) {
  Upstreams upstreams = pools.make(*compiled);
  return SnapshotRef(std::move(compiled), std::move(upstreams));
}

// Colours are for a terminal: not for a file that the log goes over to.
AccessFormat format_of(const Spec& spec, const ServerOptions& options) {
  return AccessFormat(spec.access_log, options.log_colour && names_stream(spec.access_log.path));
}

}  // namespace

Engine::Engine(Reactor& r, std::shared_ptr<const Snapshot> compiled, const ServerOptions& o)
    : reactor(r), options(o), pools(r), snapshot(hold(std::move(compiled), pools)), listeners(snapshot),
      trim(r, o.memory_freed, o.context), ids_(o.seed),
      format_(format_of(*snapshot->spec, o)) {
  trim.watch(writers, TrimTimer::Worth::no);
  if (options.log_line && spec().access_log.enabled) line_ = std::make_unique<char[]>(line_room);
}

std::vector<std::uint32_t> Engine::adopt(std::shared_ptr<const Snapshot> compiled) {
  snapshot = hold(std::move(compiled), pools);
  format_ = format_of(spec(), options);
  return listeners.adopt(snapshot);
}

void Engine::log_access(const AccessRecord& record) noexcept {
  options.log_line(options.context, {line_.get(), format_.write(record, line_.get(), line_room)});
}

}  // namespace weir::proxy
