#pragma once
// Engine: what the connections and exchanges of one worker share. Owned by the Server, used on its thread only.

#include <array>
#include <cstdint>
#include <memory>

#include "core/base/object_pool.hpp"
#include "core/base/slab.hpp"
#include "core/coro/event.hpp"
#include "core/coro/scope.hpp"
#include "core/http/h1_parser.hpp"
#include "core/http/h1_writer.hpp"
#include "core/proxy/access_log.hpp"
#include "core/proxy/server.hpp"
#include "core/proxy/snapshot.hpp"
#include "core/proxy/upstream/pools.hpp"

namespace weir::proxy {

class ClientConnection;
class Exchange;

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

  // Takes a connection that is closed and in no list off the books, and destroys it.
  void connection_closed(ClientConnection& connection) noexcept;

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
  std::shared_ptr<const Snapshot> snapshot;
  ServerOptions options;
  ServerCounters counters;
  UpstreamPools pools;
  Slab<ClientConnection, 16> connections;
  ObjectPool<Exchange> exchanges;
  ObjectPool<http::SliceWriter> writers;
  ObjectPool<http::ResponseParser> response_parsers;
  List<ClientConnection> open_connections;
  std::uint32_t open_count = 0;  // elements of open_connections
  Scope scope;                 // connections that are not idle
  Event all_closed;            // set when the last connection is closed
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
