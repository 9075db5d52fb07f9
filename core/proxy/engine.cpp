#include "core/proxy/engine.hpp"

namespace weir::proxy {

Engine::Engine(Reactor& r, std::shared_ptr<const Snapshot> compiled, const ServerOptions& o)
    : reactor(r), snapshot(std::move(compiled)), options(o), pools(r, *snapshot),
      trim(r, o.memory_freed, o.context), ids_(o.seed),
      format_(spec().access_log, o.log_colour) {
  trim.watch(writers, TrimTimer::Worth::no);
  if (options.log_line && spec().access_log.enabled) line_ = std::make_unique<char[]>(line_room);
}

void Engine::log_access(const AccessRecord& record) noexcept {
  options.log_line(options.context, {line_.get(), format_.write(record, line_.get(), line_room)});
}

}  // namespace weir::proxy
