// The format for people: what was asked, what came of it, and why if it is not what was hoped for.
#include <utility>

#include "core/base/assert.hpp"
#include "core/proxy/access_log_parts.hpp"

namespace weir::proxy {
namespace {

constexpr std::size_t frame = 1024;  // a line without its texts is shorter, eight attempts included
constexpr std::size_t longest_name = 128;

constexpr std::string_view green = "\x1b[32m";
constexpr std::string_view cyan = "\x1b[36m";
constexpr std::string_view yellow = "\x1b[33m";
constexpr std::string_view red = "\x1b[31m";
constexpr std::string_view plain = "\x1b[0m";

bool is_as_wished(Ending ending) noexcept {
  return ending == Ending::ok || ending == Ending::responded || ending == Ending::tunnel_closed;
}

std::string_view colour_of(const AccessRecord& record) noexcept {
  if (record.status == 0 || record.status >= 500 || !(is_as_wished(record.ending) || record.status >= 400)) return red;
  return record.status >= 400 ? yellow : record.status >= 300 ? cyan : green;
}

// 2.0ms, 250ms, 12.5s
void put_time(TextOut& out, Duration time) noexcept {
  const auto tenths = static_cast<std::uint64_t>(std::max<std::int64_t>(time.count(), 0)) / 100'000;  // of a millisecond
  if (tenths < 1000) {
    out.number(tenths / 10);
    out.put('.');
    out.number(tenths % 10);
    out.put("ms");
  } else if (tenths < 100'000) {
    out.number(tenths / 10);
    out.put("ms");
  } else {
    out.number(tenths / 10'000);
    out.put('.');
    out.number(tenths / 1000 % 10);
    out.put('s');
  }
}

void put_reason(TextOut& out, const AccessRecord& record) noexcept {
  if (!is_as_wished(record.ending)) {
    out.put(' ');
    out.put(word_of(record.ending));
    if (!record.word.empty()) out.put(": ");
    out.put(record.word);
  }
  if (record.tries.size() < 2) return;
  std::string_view separator = " (after ";
  for (const AttemptNote& note : record.tries.first(record.tries.size() - 1)) {
    out.put(std::exchange(separator, ", "));
    put_escaped<HexEscape>(out, note.endpoint->text, longest_name / 2);
    out.put(' ');
    out.put(word_of(note.ending));
    out.put(' ');
    put_time(out, std::chrono::microseconds(note.us));
  }
  out.put(')');
}

}  // namespace

std::size_t write_terminal(const AccessRecord& record, bool colour, char* out, std::size_t size) noexcept {
  WEIR_ASSERT(size >= min_line_room);
  const std::array<std::string_view, 3> texts{record.method, record.target, record.request_line};
  const std::size_t limit = common_limit<HexEscape>(texts, size - frame - longest_name);
  TextOut line{out};
  const SecondText& second = text_of_second(record.started);
  line.put({second.iso.data() + 11, 8});
  line.put("Z ");
  if (record.method.empty()) {
    line.put('"');
    put_escaped<HexEscape>(line, record.request_line, limit);
    line.put('"');
  } else {
    put_escaped<HexEscape>(line, record.method, limit);
    line.put(' ');
    put_escaped<HexEscape>(line, record.target, limit);
  }
  line.put(' ');
  if (colour) line.put(colour_of(record));
  if (record.status == 0) {
    line.put('-');
  } else {
    line.number(record.status);
  }
  if (colour) line.put(plain);
  line.put(' ');
  put_time(line, record.total);
  line.put(' ');
  put_escaped<HexEscape>(line, or_dash(record.endpoint), longest_name);
  if (colour && !is_as_wished(record.ending)) line.put(colour_of(record));
  put_reason(line, record);
  if (colour && !is_as_wished(record.ending)) line.put(plain);
  line.put('\n');
  return static_cast<std::size_t>(line.at - out);
}

}  // namespace weir::proxy
