#pragma once
// Engine: what the connections and exchanges of one worker share. Owned by the Server, used on its thread only.

#include <array>
#include <cstdint>
#include <memory>
#include <vector>

#include "core/base/object_pool.hpp"
#include "core/http/h1_writer.hpp"
#include "core/proxy/access_log.hpp"
#include "core/proxy/server.hpp"
#include "core/proxy/trimmed.hpp"
#include "core/proxy/upstream/pools.hpp"
#include "core/proxy/upstream_source.hpp"
#include "core/proxy/worker_snapshot.hpp"

namespace weir::proxy {

class Engine {
 public:
  Engine(Reactor& r, std::shared_ptr<const Snapshot> compiled, const ServerOptions& o);
  ~Engine();

  const Spec& spec() const noexcept { return *snapshot->spec; }
  const Timeouts& timeouts() const noexcept { return spec().timeouts; }

  // 32 hexadecimal digits that no other request of this process gets.
  static constexpr std::size_t request_id_size = 32;
  void write_request_id(char* out) noexcept;

  // Counts a client connection among those of all workers.
  void count_in(std::uint32_t listener) noexcept;
  void count_out(std::uint32_t listener) noexcept;

  bool logs_access() const noexcept { return options.log_line && spec().access_log.enabled; }
  void log_access(const AccessRecord& record) noexcept;
  void log_event(std::string_view text) const noexcept;

  // Gives memory that the last burst left behind back to the heap, and tells the owner. Cheap where there is none.
  void keep_house() noexcept;
  // Something happened: keep_house() is called in a while, until nothing happens any more.
  void note_activity() noexcept;

  // The Date field's value of this second.
  std::string_view http_date() noexcept;

  Reactor& reactor;
  SnapshotRef snapshot;
  ServerOptions options;
  ServerCounters counters;
  UpstreamPools pools;
  UpstreamSource* source = nullptr;        // set by whoever composes the worker, before the first exchange
  std::vector<Trimmed*> trimmed;           // likewise
  ObjectPool<http::SliceWriter> writers;
  bool draining = false;
  bool stopping = false;

 private:
  std::uint64_t id_high_;
  std::uint64_t id_low_;
  std::int64_t date_second_ = -1;
  std::array<char, 32> date_{};
  std::unique_ptr<char[]> line_;

  struct HouseTimer : Timer {
    explicit HouseTimer(Engine& owner) noexcept;
    Engine& engine;
  };
  HouseTimer house_timer_;
};

}  // namespace weir::proxy
