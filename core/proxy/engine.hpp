#pragma once
// Engine: what the connections and exchanges of one worker share: the reactor, the snapshot, the upstreams, pools of
// memory, logs and counters. It knows nothing of connections, exchanges and protocols; the Server, which owns it, is above
// all of them. Worker's thread.

#include <cstdint>
#include <memory>
#include <string_view>

#include "core/base/object_pool.hpp"
#include "core/coro/scope.hpp"
#include "core/http/h1_writer.hpp"
#include "core/proxy/access_log.hpp"
#include "core/proxy/counters.hpp"
#include "core/proxy/date_cache.hpp"
#include "core/proxy/listener_slots.hpp"
#include "core/proxy/request_ids.hpp"
#include "core/proxy/server_options.hpp"
#include "core/proxy/trim_timer.hpp"
#include "core/proxy/upstream/pools.hpp"
#include "core/proxy/upstream_source.hpp"
#include "core/proxy/worker_snapshot.hpp"

namespace weir::proxy {

// How far a server has come. It only ever goes forward, and may leave out what lies between.
enum class RunState : std::uint8_t {
  serving,
  finishing, // as draining, but nothing that is in flight is bounded
  draining,  // accepts nothing any more; what is in flight is finished, answers carry Connection: close
  stopping,  // what is left is cut
  over,      // no connection is left, and none is taken over
};

class Engine {
 public:
  // What is referred to outlives the engine.
  Engine(Reactor& r, std::shared_ptr<const Snapshot> compiled, const ServerOptions& o);
  Engine(const Engine&) = delete;
  Engine& operator=(const Engine&) = delete;

  // Takes a new configuration up: exchanges that have begun go on by the one they began with. The listeners' slots that
  // are retired by it.
  std::vector<std::uint32_t> adopt(std::shared_ptr<const Snapshot> compiled);

  // Of the present configuration.
  const Spec& spec() const noexcept { return *snapshot->spec; }
  const Timeouts& timeouts() const noexcept { return spec().timeouts; }

  bool draining() const noexcept { return state != RunState::serving; }
  // The same for what came by one listener: it may be gone.
  bool draining(std::uint32_t slot) const noexcept { return draining() || listeners[slot].retired; }

  static constexpr std::size_t request_id_size = RequestIds::size;
  void write_request_id(char* out) noexcept { ids_.write(out); }

  // The Date field's value of this second, or of the one before: the wall clock is not read for each response.
  std::string_view http_date() noexcept {
    if (const TimePoint now = reactor.now(); now >= date_due_) {
      date_text_ = date_.at(reactor.backend().wall_time());
      date_due_ = now + date_interval;
    }
    return date_text_;
  }

  bool logs_access() const noexcept { return line_ != nullptr; }
  void log_access(const AccessRecord& record) noexcept;
  void log_event(std::string_view text) const noexcept {
    if (options.log_event) options.log_event(options.context, text);
  }

  // Something happened: memory that it leaves behind is given back later.
  void note_activity() noexcept { trim.note_activity(); }

  Reactor& reactor;
  const ServerOptions options;
  ServerCounters counters;
  UpstreamPools pools;
  SnapshotRef snapshot;     // the present one
  ListenerSlots listeners;
  UpstreamSource* source = nullptr;  // set before the first exchange
  ObjectPool<http::SliceWriter> writers;
  TrimTimer trim;
  Scope scope;  // connections that are not idle
  RunState state = RunState::serving;
  std::size_t listening = 0;  // sockets of this server

 private:
  RequestIds ids_;
  AccessFormat format_;
  static constexpr Duration date_interval = std::chrono::milliseconds{100};
  DateCache date_;
  std::string_view date_text_;
  TimePoint date_due_;  // when the wall clock is read again
  std::unique_ptr<char[]> line_;  // of the access log, one after the other; null: there is none
};

}  // namespace weir::proxy
