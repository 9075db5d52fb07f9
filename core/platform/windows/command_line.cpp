#include "core/platform/windows/command_line.hpp"

#include <algorithm>
#include <memory>

#include "core/platform/windows/text.hpp"
#include "core/platform/windows/winsock.hpp"

namespace weir::platform {
namespace {

int compare(std::wstring_view a, std::wstring_view b) noexcept {
  return ::CompareStringOrdinal(a.data(), static_cast<int>(a.size()), b.data(), static_cast<int>(b.size()), TRUE) -
         CSTR_EQUAL;
}

// "=C:=C:\folder", the shell's memory of a drive's folder, has a name that begins with the separator.
std::wstring_view name_of(std::wstring_view entry) noexcept { return entry.substr(0, entry.find(L'=', 1)); }

// A backslash is itself, but before a quote it has to be doubled, and the quote gets one of its own.
void append_quoted(std::wstring& line, std::wstring_view argument) {
  line.push_back(L'"');
  std::size_t backslashes = 0;
  for (const wchar_t c : argument) {
    if (c == L'"') line.append(backslashes + 1, L'\\');
    backslashes = c == L'\\' ? backslashes + 1 : 0;
    line.push_back(c);
  }
  line.append(backslashes, L'\\').push_back(L'"');
}

bool needs_quotes(std::wstring_view argument) noexcept {
  return argument.empty() || argument.find_first_of(L" \t\n\v\"") != std::wstring_view::npos;
}

}  // namespace

std::wstring command_line(std::span<const std::wstring> argv) {
  std::wstring line;
  for (const std::wstring& argument : argv) {
    // The program's own name is parsed by other rules: quotes always, and none inside.
    const bool first = line.empty();
    if (!first) line.push_back(L' ');
    if (first) {
      line.append(L"\"").append(argument).append(L"\"");
    } else if (needs_quotes(argument)) {
      append_quoted(line, argument);
    } else {
      line.append(argument);
    }
  }
  return line;
}

// /d: no AutoRun of the registry; /v:off: "!" is text; /e:on: as batch files expect; /s: the outer quotes are taken off
// and nothing else. Between quotes, & | < > ^ ( ) are text.
std::optional<std::wstring> batch_command_line(const std::wstring& cmd, const std::wstring& script,
                                               std::span<const std::wstring> arguments) {
  const auto harmful = [](std::wstring_view text) {
    return text.find_first_of(std::wstring_view(L"\"%\r\n\0", 5)) != std::wstring_view::npos;
  };
  if (harmful(script)) return std::nullopt;
  std::wstring line = L"\"" + cmd + L"\" /d /e:on /v:off /s /c \"\"" + script + L"\"";
  for (const std::wstring& argument : arguments) {
    if (harmful(argument)) return std::nullopt;
    line.push_back(L' ');
    append_quoted(line, argument);
  }
  line.push_back(L'"');
  return line;
}

bool is_batch_file(std::wstring_view path) noexcept {
  while (!path.empty() && (path.back() == L'.' || path.back() == L' ')) path.remove_suffix(1);
  if (path.size() < 4) return false;
  const std::wstring_view extension = path.substr(path.size() - 4);
  return compare(extension, L".bat") == 0 || compare(extension, L".cmd") == 0;
}

std::vector<std::wstring> merged_environment(std::span<const EnvironmentVariable> wanted) {
  std::vector<std::wstring> merged;
  merged.reserve(wanted.size());
  for (const EnvironmentVariable& one : wanted) merged.push_back(to_wide(one.name + "=" + one.value));
  const std::unique_ptr<wchar_t, decltype(&::FreeEnvironmentStringsW)> own(::GetEnvironmentStringsW(),
                                                                           &::FreeEnvironmentStringsW);
  for (const wchar_t* entry = own.get(); entry != nullptr && *entry != L'\0';) {
    const std::wstring_view text = entry;
    const bool replaced = std::any_of(merged.begin(), merged.begin() + static_cast<std::ptrdiff_t>(wanted.size()),
                                      [&](const auto& one) { return compare(name_of(one), name_of(text)) == 0; });
    if (!replaced) merged.emplace_back(text);
    entry += text.size() + 1;
  }
  std::ranges::sort(merged, [](const auto& a, const auto& b) { return compare(name_of(a), name_of(b)) < 0; });
  return merged;
}

std::wstring environment_block(const std::vector<std::wstring>& environment) {
  std::wstring block;
  for (const std::wstring& entry : environment) block.append(entry).push_back(L'\0');
  block.push_back(L'\0');
  return block;
}

std::wstring value_in(const std::vector<std::wstring>& environment, std::wstring_view name) {
  for (const std::wstring& entry : environment) {
    const std::wstring_view found = name_of(entry);
    if (found.size() < entry.size() && compare(found, name) == 0) return entry.substr(found.size() + 1);
  }
  return {};
}

}  // namespace weir::platform
