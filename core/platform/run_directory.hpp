#pragma once
// Where a running process leaves what others need to find it, and who of them may reach it. Paths are UTF-8. Blocks; any
// thread; owns nothing.

#include <cstdint>
#include <string>
#include <vector>

#include "core/base/error.hpp"

namespace weir {
class Handle;
}

namespace weir::platform {

// Directories for that purpose, the one for this process's own things first; not all of them exist. What
// $RUNTIME_DIRECTORY names, as systemd sets it, is the only one. Otherwise /run/weir for root, $XDG_RUNTIME_DIR/weir, one of
// this user among the temporary files, /run/weir for those who are not root; on Windows %ProgramData%\weir\run and %LOCALAPPDATA%\weir\run.
std::vector<std::string> run_directories();

// Makes it for this user alone, unless it is there. An error: it is not to be had, or permission_denied: another user
// owns it or may write to it, so what is in it may be anybody's.
Error make_run_directory(const std::string& path);

// Whether what lies in it can be trusted: only this user and root write to it. Root trusts every directory that only root
// can have made.
bool is_trusted_run_directory(const std::string& path);

// Removes the file of a unix socket whose server is gone. False: it is something else, or its server lives.
bool remove_stale_socket(const std::string& path) noexcept;

// Who is at the other end of a connection on this machine.
enum class Peer : std::uint8_t {
  ours,      // this user, or root
  stranger,
  unknown,   // the system does not tell
};
Peer peer_of(const Handle& connection) noexcept;

}  // namespace weir::platform
