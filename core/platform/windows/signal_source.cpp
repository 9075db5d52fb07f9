// The console's events and what they ask for: Ctrl-C is an interrupt, Ctrl-Break ends like TERM, and so does closing
// the console's window or shutting the machine down. The system calls the handler on a thread that it makes for it.
// Other processes ask by events that are named after this one (send_signal); a thread of the system's waits for them.

#include "core/platform/signal_source.hpp"

#include <array>
#include <atomic>
#include <string>
#include <utility>

#include "core/platform/errors.hpp"
#include "core/platform/windows/socket_pair.hpp"
#include "core/platform/windows/winsock.hpp"

namespace weir::platform {
namespace {

std::atomic<NativeHandle> write_end{no_native_handle};
HANDLE ended = nullptr;  // set once the source is destroyed: everything that had to end has ended

void announce(Signal signal) noexcept {
  const char byte = static_cast<char>(signal);
  // A full socket holds thousands of unread requests: one more adds nothing new.
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
    default: return TRUE;  // CTRL_LOGOFF_EVENT: another user's session ends; programs in it are ended without asking
  }
}

// What another process may ask for.
struct Request {
  Signal signal;
  const wchar_t* name;
  HANDLE event;
  HANDLE wait;
};
std::array<Request, 4> requests{{{Signal::terminate, L"stop", nullptr, nullptr},
                                 {Signal::quit, L"quit", nullptr, nullptr},
                                 {Signal::hang_up, L"reload", nullptr, nullptr},
                                 {Signal::reopen_logs, L"reopen-logs", nullptr, nullptr}}};

void CALLBACK on_request(void* request, BOOLEAN) noexcept { announce(static_cast<Request*>(request)->signal); }

// Global: a service has a session of its own, and is asked from another one.
std::wstring event_name(DWORD process, const Request& request) {
  return L"Global\\weir-" + std::to_wstring(process) + L"-" + request.name;
}

Error take_requests() noexcept try {
  for (Request& request : requests) {
    request.event = ::CreateEventW(nullptr, FALSE, FALSE, event_name(::GetCurrentProcessId(), request).c_str());
    if (request.event == nullptr) return last_error();
    if (!::RegisterWaitForSingleObject(&request.wait, request.event, on_request, &request, INFINITE,
                                       WT_EXECUTEDEFAULT)) {
      return last_error();
    }
  }
  return {};
} catch (const std::bad_alloc&) { return Errc::out_of_memory; }

void leave_requests() noexcept {
  for (Request& request : requests) {
    if (request.wait != nullptr) ::UnregisterWaitEx(request.wait, INVALID_HANDLE_VALUE);  // its callback has ended then
    if (request.event != nullptr) ::CloseHandle(request.event);
    request.wait = request.event = nullptr;
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
  return take_requests();
}

SignalSource::~SignalSource() {
  if (!open_) return;
  ::SetConsoleCtrlHandler(on_console_event, FALSE);
  leave_requests();
  close_socket(read_end_);
  close_socket(write_end.exchange(no_native_handle));
  if (ended != nullptr) ::SetEvent(ended);
}

void SignalSource::deliver_here() noexcept {}  // the handler's thread is the system's
void SignalSource::deliver_no_more() noexcept {}

void SignalSource::tell_of_children() noexcept {}  // nothing is left of a process that has ended

NativeHandle SignalSource::take_descriptor() noexcept { return std::exchange(read_end_, no_native_handle); }

Error send_signal(std::uint32_t process, Signal signal) noexcept try {
  if (signal == Signal::interrupt) signal = Signal::terminate;  // asks for the same
  for (const Request& request : requests) {
    if (request.signal != signal) continue;
    const HANDLE event = ::OpenEventW(EVENT_MODIFY_STATE, FALSE, event_name(process, request).c_str());
    if (event == nullptr) return last_error();
    const Error error = ::SetEvent(event) ? Error{} : last_error();
    ::CloseHandle(event);
    return error;
  }
  return Errc::bad_argument;
} catch (const std::bad_alloc&) { return Errc::out_of_memory; }

}  // namespace weir::platform
