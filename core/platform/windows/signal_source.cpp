// The console's events and what they ask for: Ctrl-C is an interrupt, Ctrl-Break ends like TERM, and so does closing
// the console's window or shutting the machine down. The system calls the handler on a thread that it makes for it.

#include "core/platform/signal_source.hpp"

#include <atomic>
#include <utility>

#include "core/platform/errors.hpp"
#include "core/platform/windows/socket_pair.hpp"
#include "core/platform/windows/winsock.hpp"

namespace weir::platform {
namespace {

std::atomic<NativeHandle> write_end{no_native_handle};
HANDLE ended = nullptr;  // set once the source is destroyed: whoever had to end has ended

void announce(Signal signal) noexcept {
  const char byte = static_cast<char>(signal);
  // A full socket holds thousands of requests that nobody has read yet: one more tells nothing new.
  ::send(socket_of(write_end.load()), &byte, 1, 0);
}

BOOL WINAPI on_console_event(DWORD event) {
  switch (event) {
    case CTRL_C_EVENT: announce(Signal::interrupt); return TRUE;
    case CTRL_BREAK_EVENT: announce(Signal::terminate); return TRUE;
    case CTRL_CLOSE_EVENT:
    case CTRL_SHUTDOWN_EVENT:
      announce(Signal::terminate);
      // The system ends the process as soon as this returns, and some seconds later in any case.
      ::WaitForSingleObject(ended, INFINITE);
      return TRUE;
    default: return TRUE;  // CTRL_LOGOFF_EVENT: somebody else's session ends; programs in it are ended without asking
  }
}

}  // namespace

Error SignalSource::open() noexcept {
  const Result<SocketPair> pair = make_socket_pair();
  if (!pair) return pair.error();
  if (ended == nullptr) ended = ::CreateEventW(nullptr, TRUE, FALSE, nullptr);
  read_end_ = pair->read_end;
  write_end.store(pair->write_end);
  open_ = true;
  if (ended == nullptr || !::SetConsoleCtrlHandler(nullptr, FALSE) ||
      !::SetConsoleCtrlHandler(on_console_event, TRUE)) {
    return last_error();
  }
  ::ResetEvent(ended);
  return {};
}

SignalSource::~SignalSource() {
  if (!open_) return;
  ::SetConsoleCtrlHandler(on_console_event, FALSE);
  close_socket(read_end_);
  close_socket(write_end.exchange(no_native_handle));
  if (ended != nullptr) ::SetEvent(ended);
}

void SignalSource::deliver_here() noexcept {}  // the handler's thread is the system's

NativeHandle SignalSource::take_descriptor() noexcept { return std::exchange(read_end_, no_native_handle); }

}  // namespace weir::platform
