#pragma once
// What the parts of one exchange share: who asks, by which configuration, and why it was cut, if it was. Belongs to the
// exchange; the worker's thread only.

#include <cstdint>
#include <string_view>

#include "core/proxy/cut.hpp"
#include "core/proxy/engine.hpp"
#include "core/proxy/message.hpp"
#include "core/proxy/worker_snapshot.hpp"

namespace weir::proxy {

// What is waited for.
enum class Side : std::uint8_t {
  request,   // that the request gets to the upstream, and an answer
  client,    // that the client takes a part of the response
  upstream,  // that the upstream sends one
};

class ExchangeContext {
 public:
  ExchangeContext(Engine& worker, ClientStream& asking) noexcept
      : engine(worker), client(asking), snapshot(asking.snapshot()) {}
  ExchangeContext(const ExchangeContext&) = delete;
  ExchangeContext& operator=(const ExchangeContext&) = delete;

  Engine& engine;
  ClientStream& client;
  const SnapshotRef& snapshot;        // the client stream's; the exchange reads nothing else of the configuration
  const RouteSpec* route = nullptr;
  Side awaited = Side::request;       // whose fault it is if nothing moves any more

  const Spec& spec() const noexcept { return *snapshot->spec; }
  TimePoint now() const noexcept { return engine.reactor.now(); }

  // Why the whole exchange is cut; none: it goes on. What was cancelled may have moved bytes first, so every loop asks.
  Cut cut() const noexcept { return cut_; }
  bool is_cut() const noexcept { return cut_ != Cut::none; }
  // The first cause counts; whatever is under way is cancelled in any case. `word` says which rule was broken; static.
  virtual void cut_off(Cut why, std::string_view word = {}) noexcept = 0;
  // The request has been read to its end and sent on.
  virtual void request_sent() noexcept = 0;

 protected:
  ~ExchangeContext() = default;
  Cut cut_ = Cut::none;
};

}  // namespace weir::proxy
