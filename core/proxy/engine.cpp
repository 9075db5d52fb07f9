#include "core/proxy/engine.hpp"

#include "core/proxy/error_page.hpp"

namespace weir::proxy {

namespace {

// splitmix64: a bijection, so that different counters give different ids.
std::uint64_t mix(std::uint64_t x) noexcept {
  x += 0x9e3779b97f4a7c15u;
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
  x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
  return x ^ (x >> 31);
}

void write_hex(std::uint64_t value, char* out) noexcept {
  for (int shift = 60; shift >= 0; shift -= 4) *out++ = "0123456789abcdef"[value >> shift & 15];
}

constexpr Duration house_interval = 400ms;

}  // namespace

Engine::HouseTimer::HouseTimer(Engine& owner) noexcept
    : Timer([](Timer& timer) noexcept { static_cast<HouseTimer&>(timer).engine.keep_house(); }), engine(owner) {}

Engine::Engine(Reactor& r, std::shared_ptr<const Snapshot> compiled, const ServerOptions& o)
    : reactor(r), snapshot(std::move(compiled)), options(o), pools(r, *snapshot),
      id_high_(mix(o.seed)), id_low_(mix(o.seed ^ 0x5bd1e995u)), house_timer_(*this) {
  if (logs_access()) line_ = std::make_unique<char[]>(line_room);
}

Engine::~Engine() = default;

void Engine::count_in(std::uint32_t listener) noexcept {
  SharedCounters* shared = options.shared;
  if (shared == nullptr) return;
  shared->connections.fetch_add(1, std::memory_order_relaxed);
  if (shared->per_listener) shared->per_listener[listener].fetch_add(1, std::memory_order_relaxed);
}

void Engine::count_out(std::uint32_t listener) noexcept {
  SharedCounters* shared = options.shared;
  if (shared == nullptr) return;
  shared->connections.fetch_sub(1, std::memory_order_relaxed);
  if (shared->per_listener) shared->per_listener[listener].fetch_sub(1, std::memory_order_relaxed);
}

void Engine::note_activity() noexcept {
  if (!house_timer_.armed()) reactor.timers().arm(house_timer_, reactor.now() + house_interval);
}

// What the busiest moment of the last interval needed is kept; so a steady load neither allocates nor frees.
void Engine::keep_house() noexcept {
  BufferPool& buffers = reactor.buffers();
  const std::size_t before = buffers.allocated() + writers.allocated();
  buffers.trim(buffers.take_peak());
  writers.trim(writers.take_peak());
  std::size_t freed = before - buffers.allocated() - writers.allocated();
  bool busy = false;
  for (Trimmed* one : trimmed) {
    const Trimmed::Result result = one->trim();
    freed += result.freed;
    busy = busy || result.busy;
  }
  if (freed > 0) {
    FramePool::trim();
    if (options.memory_freed) options.memory_freed(options.context);
  }
  if (busy || freed > 0) note_activity();
}

void Engine::write_request_id(char* out) noexcept {
  write_hex(id_high_, out);
  write_hex(mix(id_low_++), out + 16);
}

void Engine::log_access(const AccessRecord& record) noexcept {
  const bool json = spec().access_log.format == LogFormat::json;
  const std::size_t size = json ? write_json(record, line_.get(), line_room) : write_combined(record, line_.get(), line_room);
  options.log_line(options.context, {line_.get(), size});
}

void Engine::log_event(std::string_view text) const noexcept {
  if (options.log_event) options.log_event(options.context, text);
}

std::string_view Engine::http_date() noexcept {
  const WallTime now = reactor.backend().wall_time();
  const std::int64_t second = now.ns / 1'000'000'000;
  if (second != date_second_) {
    date_second_ = second;
    write_http_date(now, date_.data());
  }
  return {date_.data(), http_date_size};
}

}  // namespace weir::proxy
