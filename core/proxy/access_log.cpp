#include "core/proxy/access_log.hpp"

#include <algorithm>
#include <array>
#include <span>

#include "core/base/assert.hpp"
#include "core/proxy/text_out.hpp"

namespace weir::proxy {
namespace {

constexpr std::size_t combined_frame = 256;  // a line without its texts is shorter
constexpr std::size_t json_frame = 640;
constexpr std::size_t longest_escape = 6;  // "\u0000"

// A second as both formats write it. Lines come many to a second, and calendar arithmetic costs more than the rest.
struct SecondText {
  std::int64_t second = INT64_MIN;
  std::array<char, 26> local;  // 23/Nov/2026:03:00:00 +0000
  std::array<char, 19> iso;    // 2026-11-23T03:00:00
};

void format_second(std::int64_t second, SecondText& cache) noexcept {
  cache.second = second;
  const CivilTime civil = civil_time(second);
  const auto year = static_cast<std::uint64_t>(civil.year);
  const auto put_clock = [&civil](TextOut& out) {
    out.padded(civil.hour, 2);
    out.put(':');
    out.padded(civil.minute, 2);
    out.put(':');
    out.padded(civil.second, 2);
  };
  TextOut local{cache.local.data()};
  local.padded(civil.day, 2);
  local.put('/');
  local.put(month_names.substr((civil.month - 1) * 3, 3));
  local.put('/');
  local.padded(year, 4);
  local.put(':');
  put_clock(local);
  local.put(" +0000");
  TextOut iso{cache.iso.data()};
  iso.padded(year, 4);
  iso.put('-');
  iso.padded(civil.month, 2);
  iso.put('-');
  iso.padded(civil.day, 2);
  iso.put('T');
  put_clock(iso);
}

const SecondText& text_of_second(WallTime time) noexcept {
  static thread_local SecondText cache;
  const std::int64_t second = floor_seconds(time.ns);
  if (cache.second != second) format_second(second, cache);
  return cache;
}

// ---- escaping: each writer gives the size of the next unit and what it is written as ------------------------------

// What a byte needs.
enum Class : std::uint8_t { plain, hex_escape, quoted, multibyte };

constexpr std::array<std::uint8_t, 256> make_classes(bool json) {
  std::array<std::uint8_t, 256> classes{};
  for (unsigned c = 0; c < 256; ++c) {
    if (c < 0x20) classes[c] = hex_escape;
    if (c >= 0x80) classes[c] = json ? multibyte : hex_escape;
  }
  classes['"'] = json ? quoted : hex_escape;
  classes['\\'] = json ? quoted : hex_escape;
  if (!json) classes[0x7f] = hex_escape;
  return classes;
}
constexpr auto combined_classes = make_classes(false);
constexpr auto json_classes = make_classes(true);

std::size_t plain_size(const std::array<std::uint8_t, 256>& classes, std::string_view text) noexcept {
  std::size_t n = 0;
  while (n < text.size() && classes[static_cast<unsigned char>(text[n])] == plain) ++n;
  return n;
}

// The bytes of the well-formed UTF-8 sequence at the start of `text` (Unicode table 3-7), or 0.
std::size_t utf8_size(std::string_view text) noexcept {
  const auto at = [text](std::size_t i) -> unsigned {
    return i < text.size() ? static_cast<unsigned char>(text[i]) : 0;
  };
  const auto continues = [&at](std::size_t i) { return (at(i) & 0xc0) == 0x80; };
  const unsigned lead = at(0);
  if (lead >= 0xc2 && lead <= 0xdf) return continues(1) ? 2 : 0;
  if (lead >= 0xe0 && lead <= 0xef) {
    const unsigned low = lead == 0xe0 ? 0xa0 : 0x80;
    const unsigned high = lead == 0xed ? 0x9f : 0xbf;  // no surrogates
    return at(1) >= low && at(1) <= high && continues(2) ? 3 : 0;
  }
  if (lead >= 0xf0 && lead <= 0xf4) {
    const unsigned low = lead == 0xf0 ? 0x90 : 0x80;
    const unsigned high = lead == 0xf4 ? 0x8f : 0xbf;
    return at(1) >= low && at(1) <= high && continues(2) && continues(3) ? 4 : 0;
  }
  return 0;
}

constexpr char hex_digits[] = "0123456789ABCDEF";

struct CombinedEscape {
  static constexpr const auto& classes = combined_classes;
  // Writes the unit at the start of `text` into `out` (longest_escape bytes), takes it off and returns the length.
  static std::size_t unit(std::string_view& text, char* out) noexcept {
    const auto byte = static_cast<unsigned char>(text.front());
    text.remove_prefix(1);
    out[0] = '\\';
    out[1] = 'x';
    out[2] = hex_digits[byte >> 4];
    out[3] = hex_digits[byte & 15];
    return 4;
  }
};

struct JsonEscape {
  static constexpr const auto& classes = json_classes;
  static std::size_t unit(std::string_view& text, char* out) noexcept {
    const auto byte = static_cast<unsigned char>(text.front());
    TextOut to{out};
    std::size_t taken = 1;
    switch (classes[byte]) {
      case quoted:
        to.put('\\');
        to.put(text.front());
        break;
      case multibyte:
        if (const std::size_t size = utf8_size(text); size > 0) {
          to.put(text.substr(0, size));
          taken = size;
        } else {
          to.put("\xEF\xBF\xBD");  // U+FFFD
        }
        break;
      default:
        to.put("\\u00");
        to.put(hex_digits[byte >> 4]);
        to.put(hex_digits[byte & 15]);
    }
    text.remove_prefix(taken);
    return static_cast<std::size_t>(to.at - out);
  }
};

// Writes `text` escaped, at most `room` bytes of it, never a part of an escape.
template <class Escape>
void put_escaped(TextOut& out, std::string_view text, std::size_t room) noexcept {
  while (true) {
    const std::size_t run = std::min(plain_size(Escape::classes, text), room);
    out.put(text.substr(0, run));
    text.remove_prefix(run);
    room -= run;
    if (text.empty() || room == 0) return;
    char escape[longest_escape];
    const std::size_t size = Escape::unit(text, escape);
    if (size > room) return;
    out.put({escape, size});
    room -= size;
  }
}

template <class Escape>
std::size_t escaped_size(std::string_view text) noexcept {
  std::size_t size = 0;
  while (!text.empty()) {
    const std::size_t run = plain_size(Escape::classes, text);
    size += run;
    text.remove_prefix(run);
    char escape[longest_escape];
    if (!text.empty()) size += Escape::unit(text, escape);
  }
  return size;
}

// How many bytes each text may take, so that all of them fit into `room`: no limit in the usual case, else the largest
// common limit, so that a long target does not push the user agent out.
template <class Escape, std::size_t N>
std::size_t common_limit(const std::array<std::string_view, N>& texts, std::size_t room) noexcept {
  std::size_t raw = 0;
  for (const std::string_view text : texts) raw += text.size();
  if (raw * longest_escape <= room) return room;
  std::array<std::size_t, N> sizes;
  std::transform(texts.begin(), texts.end(), sizes.begin(), escaped_size<Escape>);
  std::sort(sizes.begin(), sizes.end());
  for (std::size_t i = 0; i < N; ++i) {
    const std::size_t share = room / (N - i);
    if (sizes[i] > share) return share;
    room -= sizes[i];
  }
  return sizes.back();
}

std::string_view or_dash(std::string_view text) noexcept { return text.empty() ? "-" : text; }

std::string_view protocol(const AccessRecord& record) noexcept {
  return record.minor_version == 0 ? "HTTP/1.0" : "HTTP/1.1";
}

class JsonLine {
 public:
  JsonLine(char* out, std::size_t limit) noexcept : out_{out}, limit_(limit) {}

  // Every key comes with its comma and colon: ",\"key\":".
  void text(std::string_view key, std::string_view value) noexcept {
    if (value.empty()) return;
    out_.put(key);
    out_.put('"');
    put_escaped<JsonEscape>(out_, value, limit_);
    out_.put('"');
  }
  void word(std::string_view key, std::string_view value) noexcept {
    out_.put(key);
    out_.put(value);
  }
  void number(std::string_view key, std::uint64_t value) noexcept {
    out_.put(key);
    out_.number(value);
  }
  // Milliseconds with microseconds behind the point.
  void duration(std::string_view key, Duration value) noexcept {
    if (value.count() < 0) return;
    const auto us = static_cast<std::uint64_t>(value.count()) / 1000;
    out_.put(key);
    out_.number(us / 1000);
    out_.put('.');
    out_.padded(us % 1000, 3);
  }
  TextOut& out() noexcept { return out_; }

 private:
  TextOut out_;
  std::size_t limit_;
};

}  // namespace

std::size_t write_combined(const AccessRecord& record, char* out, std::size_t size) noexcept {
  WEIR_ASSERT(size >= min_line_room);
  const std::array<std::string_view, 4> texts{record.method, record.target, record.referer, record.user_agent};
  const std::size_t limit = common_limit<CombinedEscape>(texts, size - combined_frame);
  TextOut line{out};
  if (record.client && record.client->family == Family::unix_path) {
    line.put("unix:");
  } else if (record.client && record.client->family == Family::named_pipe) {
    line.put("pipe:");
  } else if (record.client && record.client->family != Family::none) {
    std::array<char, max_ip_text> ip;
    line.put(peer_ip(*record.client, ip.data()));
  } else {
    line.put('-');
  }
  line.put(" - - [");
  const SecondText& second = text_of_second(record.started);
  line.put({second.local.data(), second.local.size()});
  line.put("] \"");
  if (record.method.empty()) {
    line.put('-');
  } else {
    put_escaped<CombinedEscape>(line, record.method, limit);
    line.put(' ');
    put_escaped<CombinedEscape>(line, record.target, limit);
    line.put(' ');
    line.put(protocol(record));
  }
  line.put("\" ");
  line.padded(record.status, record.status > 999 ? 5 : 3);
  line.put(' ');
  line.number(record.bytes_out);
  line.put(" \"");
  put_escaped<CombinedEscape>(line, or_dash(record.referer), limit);
  line.put("\" \"");
  put_escaped<CombinedEscape>(line, or_dash(record.user_agent), limit);
  line.put("\"\n");
  return static_cast<std::size_t>(line.at - out);
}

std::size_t write_json(const AccessRecord& record, char* out, std::size_t size) noexcept {
  WEIR_ASSERT(size >= min_line_room);
  const std::array<std::string_view, 10> texts{record.listener,   record.route,     record.upstream, record.endpoint,
                                               record.method,     record.target,    record.host,     record.referer,
                                               record.user_agent, record.request_id};
  JsonLine line(out, common_limit<JsonEscape>(texts, size - json_frame));
  const SecondText& second = text_of_second(record.started);
  line.word("{\"time\":\"", {second.iso.data(), second.iso.size()});
  line.out().put('.');
  line.out().padded(static_cast<std::uint64_t>(record.started.ns - second.second * 1'000'000'000) / 1'000'000, 3);
  line.out().put("Z\"");
  if (record.client && record.client->family != Family::none) {
    std::array<char, max_ip_text> ip;
    line.word(",\"client\":\"", peer_ip(*record.client, ip.data()));
    line.out().put('"');
    if (record.client->port != 0) line.number(",\"client_port\":", record.client->port);
  }
  line.text(",\"listener\":", record.listener);
  line.text(",\"route\":", record.route);
  line.text(",\"upstream\":", record.upstream);
  line.text(",\"endpoint\":", record.endpoint);
  line.text(",\"method\":", record.method);
  line.text(",\"target\":", record.target);
  line.text(",\"host\":", record.host);
  if (!record.method.empty()) line.text(",\"protocol\":", protocol(record));
  if (record.status != 0) line.number(",\"status\":", record.status);
  line.number(",\"bytes_in\":", record.bytes_in);
  line.number(",\"bytes_out\":", record.bytes_out);
  line.duration(",\"head_ms\":", record.head);
  line.duration(",\"connect_ms\":", record.connect);
  line.duration(",\"first_byte_ms\":", record.first_byte);
  line.duration(",\"total_ms\":", record.total);
  if (record.attempts > 0) {
    line.number(",\"attempts\":", record.attempts);
    line.word(",\"reused\":", record.reused ? "true" : "false");
  }
  line.text(",\"referer\":", record.referer);
  line.text(",\"user_agent\":", record.user_agent);
  line.text(",\"request_id\":", record.request_id);
  line.word(",\"end\":\"", word_of(record.ending));
  line.out().put("\"}\n");
  return static_cast<std::size_t>(line.out().at - out);
}

}  // namespace weir::proxy
