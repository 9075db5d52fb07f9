#pragma once
// SimOrigin: an upstream server that checks every request against the ledger, answers as the exchange's plan says, and
// does wrong where the plan says so. One thread, its own reactor.

#include <cstdint>
#include <vector>

#include "core/coro/scope.hpp"
#include "tests/sim/ledger.hpp"
#include "tests/sim/wire.hpp"

namespace weir::sim {

struct OriginOptions {
  Address address;
  Duration patience = std::chrono::seconds(3600);
  Duration pause{0};  // of a slow one
  std::size_t read_size = 4096;
  double idle_close = 0;  // chance, per wait for a request, that it closes within idle_close_within
  Duration idle_close_within = std::chrono::milliseconds(20);
  double closes_kept = 0;  // chance, per request on a kept connection, that it reads it and closes without an answer
  std::uint16_t backlog = 1024;
  bool direct = false;  // no proxy in between: its duties are not checked
};

class SimOrigin {
 public:
  SimOrigin(Reactor& reactor, Ledger& ledger, const OriginOptions& options, std::uint64_t seed) noexcept
      : reactor_(reactor), ledger_(ledger), options_(options), rng_(seed) {}

  // Serves until stop(); ends when every connection is closed.
  Task<void> run();
  void stop() noexcept;

  std::size_t connections() const noexcept { return wires_.size(); }
  std::uint64_t accepted() const noexcept { return accepted_; }
  std::uint64_t requests() const noexcept { return requests_; }
  bool listening() const noexcept { return listener_.is_open(); }

 private:
  Task<void> accept_all(Scope& serving);
  Task<void> serve(Handle* accepted);
  Task<void> converse(Wire& wire);
  Task<bool> one_request(Wire& wire, bool fresh);
  Task<bool> drop(Wire& wire, const TextHead& head, PlannedExchange& exchange);
  Task<bool> take_body(Wire& wire, const TextHead& head, PlannedExchange& exchange);
  Task<bool> answer(Wire& wire, PlannedExchange& exchange);
  Task<bool> answer_too_much(Wire& wire, const PlannedExchange& exchange, std::string& text);
  Task<bool> add_unasked(Wire& wire);
  Task<bool> misbehave(Wire& wire, PlannedExchange& exchange);
  PlannedExchange* check_head(const TextHead& head);
  std::string response_head(const PlannedExchange& exchange);
  std::size_t random_cut(std::size_t size) noexcept { return size == 0 ? 0 : rng_.below(size); }

  Reactor& reactor_;
  Ledger& ledger_;
  OriginOptions options_;
  Rng rng_;
  Handle listener_;
  Op* accepting_ = nullptr;
  bool stopping_ = false;
  CancelSource stop_;
  std::vector<Wire*> wires_;
  std::uint64_t accepted_ = 0;
  std::uint64_t requests_ = 0;
};

}  // namespace weir::sim
