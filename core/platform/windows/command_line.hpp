#pragma once
// argv and environment as Windows takes them: one string each. For core/platform/windows and its tests. Any thread.

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "core/reactor/child.hpp"

namespace weir::platform {

// How a program that parses its command line by the C runtime's rules gets back exactly these arguments.
std::wstring command_line(std::span<const std::wstring> argv);

// The line for cmd.exe that runs a batch file. cmd has no quoting that keeps a double quote, a percent sign or a line
// end from being more than text (and a batch file's arguments are parsed again inside it): with one of these in an
// argument there is no such line.
std::optional<std::wstring> batch_command_line(const std::wstring& cmd, const std::wstring& script,
                                               std::span<const std::wstring> arguments);

// Will the system hand this file to cmd.exe? It ignores dots and spaces at the end of a name.
bool is_batch_file(std::wstring_view path) noexcept;

// This process's environment with the wanted variables in it, as sorted NAME=value. Names are the same whatever their
// case.
std::vector<std::wstring> merged_environment(std::span<const EnvironmentVariable> wanted);
std::wstring environment_block(const std::vector<std::wstring>& environment);
std::wstring value_in(const std::vector<std::wstring>& environment, std::wstring_view name);

}  // namespace weir::platform
