#pragma once
// Log lines for the journal, which has a clock of its own and takes the level from a prefix (sd-daemon(3)). Owns
// nothing. Any thread.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "core/base/log.hpp"
#include "systemd/environment.hpp"

namespace weir::systemd {

// A file as JOURNAL_STREAM names it.
struct StreamId {
  std::uint64_t device = 0;
  std::uint64_t inode = 0;
  friend bool operator==(const StreamId&, const StreamId&) = default;
};
std::optional<StreamId> parse_stream_id(std::string_view text) noexcept;  // "DEVICE:INODE"
std::optional<StreamId> stream_id(int descriptor) noexcept;

// Whether what is written there goes to the journal. False as soon as the stream is redirected, whatever the
// environment says.
bool leads_to_journal(const Environment& environment, int descriptor) noexcept;
bool stderr_leads_to_journal(const Environment& environment) noexcept;

// For LogOptions::append: "<4>text\n". Control characters as append_line has them.
void append_journal_line(const LogRecord& record, std::string& out);

}  // namespace weir::systemd
