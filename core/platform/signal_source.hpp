#pragma once
// SignalSource: what the system asks of the whole process, as bytes in a pipe, so that the control thread's reactor
// reads them like anything else. It owns the handlers and the pipe; one exists per process, made before any other
// thread and destroyed after all of them. Other threads never see a signal: those started while it exists have them
// blocked.

#include <cstdint>

#include "core/base/error.hpp"
#include "core/reactor/handle.hpp"

namespace weir::platform {

enum class Signal : std::uint8_t {
  terminate = 1,  // TERM
  interrupt,      // INT: Ctrl-C
  quit,           // QUIT
  hang_up,        // HUP; not where it was ignored from the start (nohup)
  reopen_logs,    // USR1
  upgrade,        // USR2
  child_ended,    // some child of this process has ended: once tell_of_children() was called
};

class SignalSource {
 public:
  SignalSource() noexcept = default;
  SignalSource(const SignalSource&) = delete;
  SignalSource& operator=(const SignalSource&) = delete;
  ~SignalSource();  // the handlers are the system's again

  // Begins to listen, blocks the signals for this thread and those it starts, and ignores PIPE for ever.
  Error open() noexcept;

  // Lets this thread take signals. Call it on the control thread once the others run.
  void deliver_here() noexcept;

  // The process is about to end. A signal that comes from now on must not end it with another status. Call it on the
  // control thread.
  void deliver_no_more() noexcept;

  // Tells of ended children as well. On the control thread.
  void tell_of_children() noexcept;

  // The end to read, a Signal in each byte. Whoever reads it takes it over with OpenSpec::adopt; call it once.
  NativeHandle take_descriptor() noexcept;

 private:
  bool open_ = false;
  NativeHandle read_end_ = no_native_handle;
};

// Asks another process that has a SignalSource. Errc::not_found: there is no such process, or it has none. Any thread.
Error send_signal(std::uint32_t process, Signal signal) noexcept;

}  // namespace weir::platform
