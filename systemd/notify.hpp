#pragma once
// Notifier: what weir tells systemd, by the protocol of sd_notify(3). Owns one socket. The control thread's. It never
// waits, and no failure is more than an Error for the caller to count and to log once. Without a manager every call
// does nothing and succeeds. After would_block say it again later: above all ready(), for which systemd waits.

#include <cstdint>
#include <string>
#include <string_view>

#include "core/base/error.hpp"
#include "core/base/time.hpp"
#include "systemd/environment.hpp"
#include "systemd/notify_socket.hpp"

namespace weir::systemd {

class Notifier {
 public:
  explicit Notifier(const Environment& environment) : socket_(environment.notify_socket) {}

  bool present() const noexcept { return socket_.present(); }

  Error ready() noexcept;      // READY=1: started, or reloaded
  Error reloading() noexcept;  // RELOADING=1 with the time, which Type=notify-reload asks for; ready() follows
  Error stopping() noexcept;   // STOPPING=1
  // STATUS=, one line for people. See status_line for what becomes of other text.
  Error status(std::string_view text) noexcept;
  // EXTEND_TIMEOUT_USEC=: while starting, reloading or stopping. The next notice comes within this time.
  Error extend(Duration longest) noexcept;
  Error alive() noexcept;  // WATCHDOG=1
  // MAINPID=: that process, of the same service, is the one to watch from now on.
  Error main_process(std::uint32_t process) noexcept;

  // The descriptor store (FDSTORE=1): systemd keeps a copy of the descriptor under that name, and passes it at the next
  // start (listen_fds.hpp). The caller keeps its own. A name may stand for several. bad_argument: is_descriptor_name
  // does not hold. systemd drops what has hung up: store a socket once it listens, and never shut it down.
  Error store(int descriptor, std::string_view name) noexcept;
  Error forget(std::string_view name) noexcept;  // FDSTOREREMOVE=1: all of that name

  // BARRIER=1: the end of a pipe that reaches its end of stream once systemd has handled all earlier messages. For the
  // caller to watch and to close; before the process ends, for example, so that what it stored is not lost.
  Result<int> barrier() noexcept;

 private:
  NotifySocket socket_;
};

// What status() sends: control characters, line feeds above all, and bytes that are not UTF-8 as \xNN, so that no field
// can be forged and systemd does not refuse the text; at most `most_of_status` bytes, "..." at the end of a longer one.
inline constexpr std::size_t most_of_status = 1024;
std::string status_line(std::string_view text);

// 1 to 255 printable ASCII characters without a colon: what systemd takes as the name of a descriptor.
bool is_descriptor_name(std::string_view name) noexcept;

}  // namespace weir::systemd
