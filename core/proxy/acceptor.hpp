#pragma once
// Acceptor: one listening socket of a server. It accepts while there is room for another connection, leaves clients in
// the backlog while there is none, and backs off when the system refuses. What it has accepted goes to the
// ConnectionTable. Worker's thread.

#include <cstddef>
#include <cstdint>

#include "core/coro/cancel.hpp"
#include "core/proxy/connection_table.hpp"
#include "core/reactor/awaitables.hpp"

namespace weir::proxy {

class Acceptor {
 public:
  // `listener` is an index into Spec::listeners.
  Acceptor(Engine& engine, ConnectionTable& connections, std::uint32_t listener) noexcept
      : engine_(engine), connections_(connections), listener_(listener) {}
  Acceptor(const Acceptor&) = delete;
  Acceptor& operator=(const Acceptor&) = delete;

  // Once, before run. An error: it is closed.
  Error open(const OpenSpec& spec) noexcept;
  // An open one that never ran.
  void close() noexcept;

  // Accepts until end() is called, then what waits in the backlog, then closes. `sockets`: how many listen in this
  // process, this one included.
  Task<void> run(std::size_t sockets);
  void end() noexcept;

 private:
  Task<void> wait_for_room();
  Task<void> accept_backlog();
  SleepUntil pause() noexcept;
  bool ending() const noexcept { return engine_.draining() || closing_.cancelled(); }
  void note_full() noexcept;
  void note_failure(const Error& error) noexcept;

  Engine& engine_;
  ConnectionTable& connections_;
  std::uint32_t listener_;
  Handle handle_;
  Op* accepting_ = nullptr;
  CancelSource closing_;
  bool paused_ = false;     // nothing was accepted since a reason to pause was found: that is reported once
  bool told_full_ = false;  // the limit of the process has been explained
};

}  // namespace weir::proxy
