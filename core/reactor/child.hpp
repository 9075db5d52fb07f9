#pragma once
// Child processes as a backend starts them: what to run, with which standard streams, and how it ended. The backend
// fills in a ChildProcess; its owner awaits the exit with an Op of kind wait_child and closes it like any handle.
// One thread: the reactor's.

#include <cstdint>
#include <span>
#include <string>
#include <utility>

#include "core/reactor/handle.hpp"

namespace weir {

// A child that was started. It leads a process group (a job object on Windows) of its own, so that it can be killed with
// all that it started. It stays a zombie from its end until the handle is closed: until then its PID is not reused.
class ChildProcess : public Handle {
 public:
  std::uint32_t id = 0;                        // the system's number of the process, 0 when closed
  NativeHandle group = no_native_handle;       // Windows: the job object
  // POSIX: `native` is a descriptor that becomes readable at the end; else it is the number, and a backend learns of the
  // end in another way.
  bool has_descriptor = false;
};

struct EnvironmentVariable {
  std::string name, value;
};

// Lent to Backend::spawn for the length of the call.
struct SpawnSpec {
  std::span<const std::string> argv;                 // never empty; no shell. argv[0] without "/": a name in PATH
  std::span<const EnvironmentVariable> environment;  // added to this process's own, replacing the same name
  std::string working_directory;                     // empty: this process's
  // Our ends of pipes to the child's standard streams: closed handles that spawn opens and does not attach. Null: the
  // null device.
  Handle* stdin_to = nullptr;
  Handle* stdout_from = nullptr;
  Handle* stderr_from = nullptr;
  bool merge_stderr = false;                         // stderr goes where stdout goes; stderr_from is null
};

// How a child ended.
struct ExitStatus {
  std::uint32_t code = 0;   // what it returned; 0 when a signal ended it
  std::uint32_t signal = 0; // the signal that ended it, 0: none (always on Windows)
  bool success() const noexcept { return code == 0 && signal == 0; }
};

}  // namespace weir
