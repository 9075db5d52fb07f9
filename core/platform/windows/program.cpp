#include "core/platform/program.hpp"

#include <windows.h>

#include <fcntl.h>
#include <io.h>
#include <shellapi.h>

#include <cstdio>
#include <memory>

#include "core/platform/windows/text.hpp"

namespace weir::platform {

std::vector<std::string> arguments(int, char**) {  // main's are in the code page of the system, which holds less
  int count = 0;
  const std::unique_ptr<LPWSTR, decltype(&::LocalFree)> words(::CommandLineToArgvW(::GetCommandLineW(), &count),
                                                              &::LocalFree);
  std::vector<std::string> given;
  for (int i = 1; words && i < count; ++i) given.push_back(to_utf8(words.get()[i]));
  return given;
}

std::optional<std::string> environment_variable(const std::string& name) {
  const std::wstring wide = to_wide(name);
  ::SetLastError(ERROR_SUCCESS);
  DWORD size = ::GetEnvironmentVariableW(wide.c_str(), nullptr, 0);  // with the final zero
  if (size == 0) {
    if (::GetLastError() == ERROR_ENVVAR_NOT_FOUND) return std::nullopt;
    return std::string();
  }
  std::wstring value(size, L'\0');
  size = ::GetEnvironmentVariableW(wide.c_str(), value.data(), size);
  value.resize(size);
  return to_utf8(value);
}

std::optional<std::string> take_environment_variable(const std::string& name) {
  auto value = environment_variable(name);
  ::SetEnvironmentVariableW(to_wide(name).c_str(), nullptr);
  return value;
}

std::uint32_t process_id() noexcept { return ::GetCurrentProcessId(); }

// Not asked: the events that send_signal opens tell a weir from others.
std::optional<std::string> program_of(std::uint32_t) { return std::nullopt; }

namespace {

// A service has none.
bool leads_somewhere(std::FILE* stream) noexcept {
  const int descriptor = ::_fileno(stream);
  return descriptor >= 0 && ::GetFileType(reinterpret_cast<HANDLE>(::_get_osfhandle(descriptor))) != FILE_TYPE_UNKNOWN;
}

void lead_nowhere(std::FILE* stream) noexcept {
  if (std::freopen("NUL", "w", stream) != nullptr) return;
  // wine's library does not reopen a stream that never was open.
  if (const std::FILE* const nowhere = std::fopen("NUL", "w")) *stream = *nowhere;
}

}  // namespace

void prepare_standard_streams() noexcept {
  ::SetConsoleOutputCP(CP_UTF8);
  for (std::FILE* stream : {stdout, stderr}) {
    if (!leads_somewhere(stream)) lead_nowhere(stream);
    if (::_fileno(stream) >= 0) ::_setmode(::_fileno(stream), _O_BINARY);
  }
  std::setvbuf(stderr, nullptr, _IONBF, 0);  // the runtime library buffers it when it is a file
}

bool shows_colours(std::FILE* stream) noexcept {
  const auto console = reinterpret_cast<HANDLE>(::_get_osfhandle(::_fileno(stream)));
  DWORD mode = 0;
  return ::GetConsoleMode(console, &mode) != 0 && ::SetConsoleMode(console, mode | ENABLE_VIRTUAL_TERMINAL_PROCESSING) != 0;
}

std::vector<std::string> default_configuration_files() {
  std::vector<std::string> files;
  const auto data = environment_variable("ProgramData");
  if (data && !data->empty()) files.push_back(*data + "\\weir\\weir.yaml");
  files.emplace_back("weir.yaml");
  return files;
}

}  // namespace weir::platform
