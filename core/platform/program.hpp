#pragma once
// What the process was given: its arguments, its environment, its standard streams, and where its configuration is kept
// by default. Text is UTF-8 on every system. Main thread, before any other thread starts; owns nothing.

#include <cstdint>
#include <cstdio>
#include <optional>
#include <string>
#include <vector>

namespace weir::platform {

// The arguments of main without the program's name.
std::vector<std::string> arguments(int argc, char** argv);

// A variable's value; nothing when it is not set.
std::optional<std::string> environment_variable(const std::string& name);

// The same, and it is removed: programs started later do not have it.
std::optional<std::string> take_environment_variable(const std::string& name);

// This process, as the system and send_signal know it.
std::uint32_t process_id() noexcept;

// The file name, without directories, of the program that a process runs. Nothing: there is no such process, or the
// system does not tell. Any thread.
std::optional<std::string> program_of(std::uint32_t process);

// Makes standard output and standard error take UTF-8 and leave line ends alone. Where the system gave the process none,
// as it does for a Windows service, what is written to them goes nowhere instead of failing.
void prepare_standard_streams() noexcept;

// Whether the stream is a terminal that shows colours by ANSI sequences; on Windows it is made to.
bool shows_colours(std::FILE* stream) noexcept;

// Where the configuration is if no file is named, best first; the last is in the current directory.
std::vector<std::string> default_configuration_files();

}  // namespace weir::platform
