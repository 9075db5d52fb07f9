#pragma once
// Where control sockets are: the names they have, the directories they lie in, and which there are. The file PID.sock is
// the socket itself; where it is elsewhere, or a named pipe, PID.at has its address. Blocks; the control thread before
// anything is served, and the commands.

#include <cstdint>
#include <string>
#include <vector>

#include "core/base/address.hpp"
#include "core/reactor/restrictions.hpp"

namespace weir::daemon {

// The address of a process's socket in a directory: "unix:/run/weir/123.sock", or "\\.\pipe\weir-control-123" where there
// are no unix sockets.
std::string control_address(const std::string& directory, std::uint32_t process, const Platform& platform);

// Writes PID.at. False: it cannot be written.
bool write_pointer(const std::string& directory, std::uint32_t process, const std::string& address);

std::string pointer_file(const std::string& directory, std::uint32_t process);

// A process that may be running.
struct Candidate {
  std::uint32_t process = 0;
  std::string address;
  std::string file;  // PID.sock or PID.at
};

// Those in these directories, by process. What lies in a directory that others may write to is left out.
std::vector<Candidate> find_candidates(const std::vector<std::string>& directories);

// Removes what a process that is gone has left. Harmless if it is not gone.
void forget(const Candidate& gone);

}  // namespace weir::daemon
