#pragma once
// ScriptedExchange: one proxy::Exchange between a scripted client and scripted upstreams, on a reactor of a simulated world
// whose clock the test moves. Tests use it in three steps: change what is public, run(), and then play both sides; each
// step ends when nothing can go on by itself. One thread.

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "core/proxy/exchange.hpp"
#include "tests/sim/backend/sim_backend.hpp"
#include "tests/sim/scripted_client.hpp"
#include "tests/sim/scripted_upstream.hpp"

namespace weir::sim {

class ScriptedExchange {
 public:
  // The head of the request as in ScriptedClient; so many endpoints. `configure` may change the specification. `handler`
  // answers routes that are handled.
  using Configure = void (*)(proxy::Spec& spec);
  explicit ScriptedExchange(std::string_view head, std::size_t endpoints = 1, Configure configure = nullptr,
                            proxy::Findings findings = {}, proxy::Handler* handler = nullptr);
  ScriptedExchange(const ScriptedExchange&) = delete;
  ScriptedExchange& operator=(const ScriptedExchange&) = delete;
  ~ScriptedExchange();

  void run();     // starts it
  void settle();  // goes on until both sides are to move
  void pass(Duration span);
  void stop() { exchange_->cut_off(proxy::Cut::stopped), settle(); }
  bool ended() { return settle(), running_.live() == 0; }
  // Ended, with each stream that was handed out finished exactly once and never touched again. Empty: all is well.
  std::string complaint();

  // Of the line in the access log: its ending, and any number in it (-1: not there).
  std::string ending() const;
  int number(std::string_view key) const;
  int status() const { return number("status"); }

 private:
  std::size_t frames_before_;

 public:
  SimWorld world;
  Reactor reactor;
  Trace trace;

 private:
  std::string line_;  // of the access log
  proxy::Engine engine_;

 public:
  ScriptedSource source;
  LentTimer timer;
  ScriptedClient client;
  ScriptedUpstream& upstream() { return source.last(); }

 private:
  Task<void> exchange();
  std::optional<proxy::Exchange> exchange_;
  Scope running_;
};

}  // namespace weir::sim
