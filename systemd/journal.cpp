#include "systemd/journal.hpp"

#include "systemd/number.hpp"

namespace weir::systemd {
namespace {

// RFC 5424, 6.2.1: Numerical Code of the severity.
std::string_view prefix_of(Level level) noexcept {
  switch (level) {
    case Level::trace:
    case Level::debug: return "<7>";
    case Level::info: return "<6>";
    case Level::warn: return "<4>";
    case Level::error: return "<3>";
  }
  return "<3>";
}

}  // namespace

std::optional<StreamId> parse_stream_id(std::string_view text) noexcept {
  const std::size_t colon = text.find(':');
  if (colon == std::string_view::npos) return std::nullopt;
  const auto device = parse_number(text.substr(0, colon));
  const auto inode = parse_number(text.substr(colon + 1));
  if (!device || !inode) return std::nullopt;
  return StreamId{*device, *inode};
}

bool leads_to_journal(const Environment& environment, int descriptor) noexcept {
  const auto journal = parse_stream_id(environment.journal_stream);
  return journal && stream_id(descriptor) == journal;
}

bool stderr_leads_to_journal(const Environment& environment) noexcept { return leads_to_journal(environment, 2); }

void append_journal_line(const LogRecord& record, std::string& out) {
  out.append(prefix_of(record.level));
  append_escaped(record.text, out);
  out.push_back('\n');
}

}  // namespace weir::systemd
