#pragma once
// SimClient: sends the exchanges of a ledger to a proxy (or straight to an origin) and checks every answer
// to the last byte. It keeps connections alive, pipelines, waits for 100 (Continue), reads slowly and leaves early, as
// its plan says. One thread, its own reactor.

#include <cstddef>
#include <deque>
#include <vector>

#include "core/coro/scope.hpp"
#include "tests/sim/ledger.hpp"
#include "tests/sim/wire.hpp"

namespace weir::sim {

struct ClientOptions {
  Address server;
  Duration patience = std::chrono::seconds(600);  // without progress: it gives up
  Duration pause{0};                              // of a slow reader and writer
  std::size_t read_size = 4096;
  std::size_t write_size = 0;  // at most so much at once; 0: as it comes
  std::size_t max_pipeline = 1;
  bool pipelines_all = false;  // behind bodies and POSTs, too; else only what is safe and has no body
  double coalesces = 0;        // chance, per batch of pipelined requests, that it goes out in one piece
  bool half_closes = false;    // says that nothing follows when the last request is sent
  Duration think{0};       // at most, between requests
  bool direct = false;     // no proxy in between: its duties are not checked
  bool must_close = true;  // a connection that says it closes does, within patience
};

class SimClient {
 public:
  SimClient(Reactor& reactor, Ledger& ledger, const ClientOptions& options, std::uint64_t seed) noexcept
      : reactor_(reactor), ledger_(ledger), options_(options), rng_(seed) {}

  // One after the other, over as few connections as the server allows. Ends when each has an outcome.
  Task<void> run(std::vector<PlannedExchange*> exchanges);

  std::size_t connections() const noexcept { return connections_; }

 private:
  struct Sending;
  Task<void> one_connection();
  Task<void> talk(Wire& wire);
  Task<bool> one_batch(Wire& wire, bool reused);
  void choose_batch(Sending& sending);
  Task<void> send_batch(Wire& wire, Sending& sending);
  Task<bool> send_one(Wire& wire, Sending& sending, PlannedExchange& exchange);
  Task<bool> receive_one(Wire& wire, Sending& sending, PlannedExchange& exchange, bool reused);
  Task<bool> receive_body(Wire& wire, const TextHead& head, PlannedExchange& exchange);
  void check_head(const TextHead& head, const PlannedExchange& exchange);
  std::string request_head(const PlannedExchange& exchange);
  void pop(Outcome outcome) noexcept;
  void abandon(const Sending& sending) noexcept;

  Reactor& reactor_;
  Ledger& ledger_;
  ClientOptions options_;
  Rng rng_;
  std::deque<PlannedExchange*> todo_;
  std::size_t connections_ = 0;
};

}  // namespace weir::sim
