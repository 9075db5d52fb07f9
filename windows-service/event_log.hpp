#pragma once
// The Application event log: weir's messages by number, so that filters and alerts need not read text. The texts around
// what is reported are in messages.mc, which is linked into weir.exe. Any thread; a report may wait for the event log's
// service, so none belongs on a worker's thread.

#include <cstdint>
#include <string>
#include <string_view>

#include "windows-service/failure.hpp"

namespace weir::windows_service {

// The numbers are a promise to those who filter by them: add, never change. messages.mc has the same.
enum class Event : std::uint16_t {
  started = 1,
  stopped = 2,
  reloaded = 3,
  reload_refused = 4,
  configuration_refused = 5,  // the text has the file, line and column of each mistake
  failed_start = 6,
  worker_failed = 7,
  info = 10,
  warning = 11,
  error = 12,
};

enum class Severity : std::uint8_t { info, warning, error };
Severity severity_of(Event event) noexcept;

// The number as messages.mc and ReportEvent have it: the severity in its highest bits.
std::uint32_t message_id(Event event) noexcept;

// Text as an event may carry it: at most 31,839 UTF-16 units, of which this keeps fewer bytes; and "%1", which viewers
// would take for a placeholder, is "% 1".
std::string event_text(std::string_view text);

// A connection to the event log. Without a source of that name (add_event_source) the events are still there, and
// viewers complain about missing descriptions.
class EventLog {
 public:
  explicit EventLog(std::string_view source) noexcept;
  EventLog(const EventLog&) = delete;
  EventLog& operator=(const EventLog&) = delete;
  ~EventLog();

  // An event log that is full or gone loses the event.
  void report(Event event, std::string_view text) noexcept;

 private:
  [[maybe_unused]] void* handle_ = nullptr;  // where there is no event log
};

// Tells viewers that `program` has the texts. Needs an administrator; weir.exe service install does it.
Outcome<void> add_event_source(const std::string& source, const std::string& program);
// One that is not there is removed already.
Outcome<void> remove_event_source(const std::string& source);

}  // namespace weir::windows_service
