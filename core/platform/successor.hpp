#pragma once
// Starts another process of this program, for a binary upgrade: the same command line, whatever file is at the program's
// path by then, and the descriptors it is to take over. Owns nothing.

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "core/base/error.hpp"
#include "core/base/time.hpp"
#include "core/reactor/child.hpp"
#include "core/reactor/handle.hpp"

namespace weir::platform {

// How this process was started. Taken before anything changes the working directory; main thread.
struct CommandLine {
  std::string program;                 // absolute
  std::vector<std::string> arguments;  // without the program
};
CommandLine own_command_line(int argc, char** argv);

// Starts it with these descriptors as 3, 4, ... and no others, and with `environment` added to this process's. Standard
// streams and the process group are shared. The result is its number. Any thread; waits until the program is loaded.
Result<std::uint32_t> start_successor(const CommandLine& command, std::span<const NativeHandle> descriptors,
                                      std::span<const EnvironmentVariable> environment) noexcept;

// A pipe: what is read by this process, and what the successor writes to. Neither is inherited.
struct ReadyPipe {
  NativeHandle reads = no_native_handle;
  NativeHandle writes = no_native_handle;
};
Result<ReadyPipe> make_ready_pipe() noexcept;
void close_descriptor(NativeHandle native) noexcept;
// Waits until something is written, the other end is closed, or that long. True: something was written.
bool wait_until_ready(NativeHandle reads, Duration longest) noexcept;

// Waits for the end of a successor, reaps it, and says how it ended.
std::string how_it_ended(std::uint32_t process);
void kill_successor(std::uint32_t process) noexcept;
// Once it serves: when it ends, reap_orphans() reaps it.
void let_go_of_successor(std::uint32_t process) noexcept;

}  // namespace weir::platform
