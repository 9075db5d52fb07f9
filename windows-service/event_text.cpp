// What of the event log needs no Windows: numbers, severities, texts.

#include <algorithm>
#include <array>

#include "windows-service/event_log.hpp"

namespace weir::windows_service {
namespace {

struct Row {
  Event event;
  Severity severity;
};

constexpr std::array<Row, 10> rows{{
    {Event::started, Severity::info},
    {Event::stopped, Severity::info},
    {Event::reloaded, Severity::info},
    {Event::reload_refused, Severity::error},
    {Event::configuration_refused, Severity::error},
    {Event::failed_start, Severity::error},
    {Event::worker_failed, Severity::error},
    {Event::info, Severity::info},
    {Event::warning, Severity::warning},
    {Event::error, Severity::error},
}};

constexpr std::size_t longest_text = 31'000;
constexpr std::string_view cut_mark = "\n[...]";

bool continues(char c) noexcept { return (static_cast<unsigned char>(c) & 0xC0U) == 0x80U; }

}  // namespace

Severity severity_of(Event event) noexcept { return std::ranges::find(rows, event, &Row::event)->severity; }

std::uint32_t message_id(Event event) noexcept {
  const std::uint32_t bits = severity_of(event) == Severity::info ? 1 : severity_of(event) == Severity::warning ? 2 : 3;
  return bits << 30 | static_cast<std::uint32_t>(event);
}

std::string event_text(std::string_view text) {
  std::string out;
  out.reserve(std::min(text.size(), longest_text) + cut_mark.size());
  for (const char c : text) {
    if (out.size() >= longest_text && !continues(c)) return out.append(cut_mark);
    if (!out.empty() && out.back() == '%' && c >= '0' && c <= '9') out.push_back(' ');
    if (c != '\0') out.push_back(c);
  }
  return out;
}

}  // namespace weir::windows_service
