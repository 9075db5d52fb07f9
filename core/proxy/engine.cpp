#include "core/proxy/engine.hpp"

namespace weir::proxy {

Engine::Engine(Reactor& r, std::shared_ptr<const Snapshot> compiled, const ServerOptions& o)
    : reactor(r), snapshot(std::move(compiled)), options(o), pools(r, *snapshot),
      trim(r, o.memory_freed, o.context), ids_(o.seed) {
  trim.watch(writers, TrimTimer::Worth::no);
  if (options.log_line && spec().access_log.enabled) line_ = std::make_unique<char[]>(line_room);
}

void Engine::log_access(const AccessRecord& record) noexcept {
  const bool json = spec().access_log.format == LogFormat::json;
  const std::size_t size =
      json ? write_json(record, line_.get(), line_room) : write_combined(record, line_.get(), line_room);
  options.log_line(options.context, {line_.get(), size});
}

}  // namespace weir::proxy
