#pragma once
// Acceptor: one listening socket of a server. Where there is no room for what it has accepted, or the system refuses, it has
// idle connections closed; while none is idle that one waits, and the others in the backlog. What it has accepted goes to
// the ConnectionTable. Worker's thread.

#include <cstddef>
#include <cstdint>
#include <string>

#include "core/coro/cancel.hpp"
#include "core/proxy/connection_table.hpp"
#include "core/reactor/awaitables.hpp"

namespace weir::proxy {

class Acceptor {
 public:
  // `listener`: its slot. `socket` tells it from the other acceptors.
  Acceptor(Engine& engine, ConnectionTable& connections, std::uint32_t listener, std::uint32_t socket) noexcept
      : engine_(engine), connections_(connections), listener_(listener), socket_(socket) {}
  Acceptor(const Acceptor&) = delete;
  Acceptor& operator=(const Acceptor&) = delete;

  // Once, before run. An error: it is closed.
  Error open(const OpenSpec& spec) noexcept;
  // An open one that never ran.
  void close() noexcept;

  // Accepts until end() is called, then what waits in the backlog, then closes.
  Task<void> run();
  void end() noexcept;
  bool over() const noexcept { return !handle_.is_open(); }

  std::uint32_t socket() const noexcept { return socket_; }
  // From now on what it accepts has come by this listener.
  void serve(std::uint32_t listener) noexcept { listener_ = listener; }

 private:
  Task<void> wait_for_room();
  Task<bool> make_room(Error refusal);
  Task<bool> make_room_here();
  Task<bool> make_room_elsewhere();
  Task<void> accept_backlog();
  SleepUntil pause() noexcept;
  bool ending() const noexcept { return engine_.draining() || closing_.cancelled(); }
  void note_paused(const std::string& lacking) noexcept;
  void note_made_room(const std::string& lacking) noexcept;
  void note_accepted() noexcept;
  std::string shortage(const Error& refusal) const;

  Engine& engine_;
  ConnectionTable& connections_;
  std::uint32_t listener_;
  const std::uint32_t socket_;
  Handle handle_;
  Op* accepting_ = nullptr;
  CancelSource closing_;
  bool paused_ = false;       // nothing was accepted since a reason to pause was found
  bool told_paused_ = false;  // and that was reported: so is the end of it
  // When something of the kind is reported next: a flood of clients is no flood of lines.
  TimePoint pause_told_next_;
  TimePoint made_room_told_next_;
  TimePoint others_asked_next_;  // nobody was idle with them the last time
};

}  // namespace weir::proxy
