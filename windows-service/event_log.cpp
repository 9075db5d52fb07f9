#include "windows-service/event_log.hpp"

#include <fmt/format.h>
#include <windows.h>

#include <new>

#include "core/platform/windows/text.hpp"
#include "windows-service/manager.hpp"

namespace weir::windows_service {
namespace {

constexpr std::wstring_view sources = L"SYSTEM\\CurrentControlSet\\Services\\EventLog\\Application\\";

WORD type_of(Severity severity) noexcept {
  switch (severity) {
    case Severity::info: return EVENTLOG_INFORMATION_TYPE;
    case Severity::warning: return EVENTLOG_WARNING_TYPE;
    case Severity::error: break;
  }
  return EVENTLOG_ERROR_TYPE;
}

struct Key {
  HKEY handle = nullptr;
  ~Key() {
    if (handle != nullptr) ::RegCloseKey(handle);
  }
};

LSTATUS set_value(HKEY key, const wchar_t* name, DWORD type, const void* data, std::size_t size) noexcept {
  return ::RegSetValueExW(key, name, 0, type, static_cast<const BYTE*>(data), static_cast<DWORD>(size));
}

}  // namespace

EventLog::EventLog(std::string_view source) noexcept {
  try {
    handle_ = ::RegisterEventSourceW(nullptr, platform::to_wide(source).c_str());
  } catch (const std::bad_alloc&) {}
}

EventLog::~EventLog() {
  if (handle_ != nullptr) ::DeregisterEventSource(handle_);
}

void EventLog::report(Event event, std::string_view text) noexcept try {
  if (handle_ == nullptr) return;
  const std::wstring wide = platform::to_wide(event_text(text));
  const wchar_t* strings[] = {wide.c_str()};
  ::ReportEventW(handle_, type_of(severity_of(event)), 0, message_id(event), nullptr, 1, 0, strings, nullptr);
} catch (const std::bad_alloc&) {}

Outcome<void> add_event_source(const std::string& source, const std::string& program) {
  const std::string doing = fmt::format("register the event source {}", source);
  Key key;
  const std::wstring path = std::wstring(sources) + platform::to_wide(source);
  LSTATUS code = ::RegCreateKeyExW(HKEY_LOCAL_MACHINE, path.c_str(), 0, nullptr, REG_OPTION_NON_VOLATILE, KEY_SET_VALUE,
                                   nullptr, &key.handle, nullptr);
  const std::wstring file = platform::to_wide(program);
  if (code == ERROR_SUCCESS) {
    code = set_value(key.handle, L"EventMessageFile", REG_EXPAND_SZ, file.c_str(), (file.size() + 1) * sizeof(wchar_t));
  }
  const DWORD types = EVENTLOG_ERROR_TYPE | EVENTLOG_WARNING_TYPE | EVENTLOG_INFORMATION_TYPE;
  if (code == ERROR_SUCCESS) code = set_value(key.handle, L"TypesSupported", REG_DWORD, &types, sizeof types);
  if (code != ERROR_SUCCESS) return std::unexpected(failure_of(static_cast<DWORD>(code), doing));
  return {};
}

Outcome<void> remove_event_source(const std::string& source) {
  const std::wstring path = std::wstring(sources) + platform::to_wide(source);
  const LSTATUS code = ::RegDeleteKeyW(HKEY_LOCAL_MACHINE, path.c_str());
  if (code == ERROR_SUCCESS || code == ERROR_FILE_NOT_FOUND) return {};
  return std::unexpected(failure_of(static_cast<DWORD>(code), fmt::format("remove the event source {}", source)));
}

}  // namespace weir::windows_service
