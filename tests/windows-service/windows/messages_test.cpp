// The message table that is linked into weir.exe, read back as a viewer of events reads it.
#include <messages.h>
#include <windows.h>

#include <string>
#include <utility>

#include "core/platform/windows/text.hpp"
#include "tests/support/catch.hpp"
#include "windows-service/event_log.hpp"

using namespace weir;
using namespace weir::windows_service;

namespace {

std::string shown(Event event, const std::string& text) {
  const std::wstring wide = platform::to_wide(event_text(text));
  DWORD_PTR inserted[] = {reinterpret_cast<DWORD_PTR>(wide.c_str())};
  wchar_t buffer[1024];
  const DWORD length = ::FormatMessageW(FORMAT_MESSAGE_FROM_HMODULE | FORMAT_MESSAGE_ARGUMENT_ARRAY,
                                        ::GetModuleHandleW(nullptr), message_id(event), 0, buffer,
                                        static_cast<DWORD>(std::size(buffer)), reinterpret_cast<va_list*>(inserted));
  return platform::to_utf8(std::wstring_view(buffer, length));
}

}  // namespace

TEST_CASE("the numbers of events are those of the message table") {
  const std::pair<Event, DWORD> rows[] = {{Event::started, WEIR_STARTED},
                                          {Event::stopped, WEIR_STOPPED},
                                          {Event::reloaded, WEIR_RELOADED},
                                          {Event::reload_refused, WEIR_RELOAD_REFUSED},
                                          {Event::configuration_refused, WEIR_CONFIGURATION_REFUSED},
                                          {Event::failed_start, WEIR_FAILED_START},
                                          {Event::worker_failed, WEIR_WORKER_FAILED},
                                          {Event::info, WEIR_INFO},
                                          {Event::warning, WEIR_WARNING},
                                          {Event::error, WEIR_ERROR}};
  for (const auto& [event, id] : rows) {
    INFO(id);
    CHECK(message_id(event) == id);
    CHECK(shown(event, "what happened").find("what happened") != std::string::npos);
  }
}

TEST_CASE("a refused configuration is shown with its lines") {
  CHECK(shown(Event::configuration_refused, "weir.yaml:3:7: error: no such key") ==
        "weir has refused its configuration and was not started:\r\n\r\nweir.yaml:3:7: error: no such key\r\n");
}
