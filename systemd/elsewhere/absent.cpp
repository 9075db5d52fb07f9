// Where there is no systemd: nothing is found in the environment, so that nothing else is asked for.

#include "core/platform/program.hpp"
#include "systemd/environment.hpp"
#include "systemd/journal.hpp"
#include "systemd/listen_fds.hpp"
#include "systemd/notify_socket.hpp"
#include "systemd/pipe.hpp"

namespace weir::systemd {

Environment take_environment() {
  Environment environment;
  environment.process = platform::process_id();
  return environment;
}

NotifySocket::NotifySocket(std::string_view) {}
NotifySocket::~NotifySocket() = default;
Error NotifySocket::send(std::string_view, int) noexcept { return {}; }

Result<Pipe> make_pipe() noexcept { return std::unexpected(Error{Errc::not_supported}); }
void close_end(int) noexcept {}
void wait_for_end(int, Duration) noexcept {}

Error inspect(PassedDescriptor&) { return Errc::not_supported; }
std::optional<StreamId> stream_id(int) noexcept { return std::nullopt; }

}  // namespace weir::systemd
