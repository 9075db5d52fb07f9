// There is no inheriting of descriptors under their numbers here.
#include "core/platform/successor.hpp"

namespace weir::platform {

CommandLine own_command_line(int, char**) { return {}; }
Result<std::uint32_t> start_successor(const CommandLine&, std::span<const NativeHandle>,
                                      std::span<const EnvironmentVariable>) noexcept {
  return std::unexpected(Error(Errc::not_supported));
}
Result<ReadyPipe> make_ready_pipe() noexcept { return std::unexpected(Error(Errc::not_supported)); }
void close_descriptor(NativeHandle) noexcept {}
bool wait_until_ready(NativeHandle, Duration) noexcept { return false; }
void kill_successor(std::uint32_t) noexcept {}
void let_go_of_successor(std::uint32_t) noexcept {}
std::string how_it_ended(std::uint32_t) { return {}; }

}  // namespace weir::platform
