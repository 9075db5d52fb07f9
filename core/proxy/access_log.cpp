// The formats that programs read: combined and JSON; and the choice among all of them.
#include "core/proxy/access_log.hpp"

#include <utility>

#include "core/base/assert.hpp"
#include "core/proxy/access_log_parts.hpp"

namespace weir::proxy {
namespace {

// A line without its texts is shorter.
constexpr std::size_t combined_frame = 256;
constexpr std::size_t json_frame = 768;
constexpr std::size_t json_try_frame = 80;

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
  void duration(std::string_view key, Duration value) noexcept {
    if (value.count() < 0) return;
    out_.put(key);
    put_ms(out_, value);
  }
  // `limit` is of each endpoint.
  void tries(std::span<const AttemptNote> notes, std::size_t limit) noexcept {
    out_.put(",\"tries\":");
    char separator = '[';
    for (const AttemptNote& note : notes) {
      out_.put(std::exchange(separator, ','));
      out_.put("{\"endpoint\":\"");
      put_escaped<JsonEscape>(out_, note.endpoint->text, limit);
      word("\",\"end\":\"", word_of(note.ending));
      duration("\",\"ms\":", std::chrono::microseconds(note.us));
      if (note.reused) out_.put(",\"reused\":true");
      out_.put('}');
    }
    out_.put(']');
  }
  TextOut& out() noexcept { return out_; }

 private:
  TextOut out_;
  std::size_t limit_;
};

// The first line of the request: as it was understood, or what came of it. `limit` is of each text in it.
void put_request_line(TextOut& out, const AccessRecord& record, std::size_t limit) noexcept {
  if (record.method.empty()) return put_escaped<HexEscape>(out, or_dash(record.request_line), limit);
  put_escaped<HexEscape>(out, record.method, limit);
  out.put(' ');
  put_escaped<HexEscape>(out, record.target, limit);
  out.put(' ');
  out.put(protocol_of(record));
}

// The user as one word of the line.
void put_user(TextOut& out, std::string_view user, std::size_t limit) noexcept {
  for (std::size_t space = user.find(' '); space != user.npos; space = user.find(' ')) {
    put_escaped<HexEscape>(out, user.substr(0, space), limit);
    out.put("\\x20");
    user.remove_prefix(space + 1);
  }
  put_escaped<HexEscape>(out, user, limit);
}

}  // namespace

std::size_t write_combined(const AccessRecord& record, char* out, std::size_t size) noexcept {
  WEIR_ASSERT(size >= min_line_room);
  const std::string_view user = record.user.substr(0, longest_user);
  const std::string_view first = record.method.empty() ? record.request_line : record.method;
  const std::array<std::string_view, 4> texts{first, record.target, record.referer, record.user_agent};
  const std::size_t limit = common_limit<HexEscape>(texts, size - combined_frame - user.size() * 4);
  TextOut line{out};
  put_client(line, record.client);
  line.put(" - ");
  put_user(line, or_dash(user), size);
  line.put(" [");
  const SecondText& second = text_of_second(record.started);
  line.put({second.local.data(), second.local.size()});
  line.put("] \"");
  put_request_line(line, record, limit);
  line.put("\" ");
  line.padded(record.status, record.status > 999 ? 5 : 3);
  line.put(' ');
  line.number(record.bytes_out);
  line.put(" \"");
  put_escaped<HexEscape>(line, or_dash(record.referer), limit);
  line.put("\" \"");
  put_escaped<HexEscape>(line, or_dash(record.user_agent), limit);
  line.put("\"\n");
  return static_cast<std::size_t>(line.at - out);
}

std::size_t write_json(const AccessRecord& record, char* out, std::size_t size) noexcept {
  WEIR_ASSERT(size >= min_line_room);
  const std::array<std::string_view, 12> texts{
      record.listener, record.route,   record.upstream,   record.endpoint,   record.method, record.target,
      record.host,     record.referer, record.user_agent, record.request_id, record.user,   record.request_line};
  const std::size_t try_limit = size / 32;
  std::size_t frame = json_frame;
  for (const AttemptNote& note : record.tries)
    frame += json_try_frame + std::min(escaped_size<JsonEscape>(note.endpoint->text), try_limit);
  JsonLine line(out, common_limit<JsonEscape>(texts, size - frame));
  line.out().put("{\"time\":\"");
  put_iso_time(line.out(), record.started);
  line.out().put('"');
  if (record.client && record.client->family != Family::none) {
    std::array<char, max_ip_text> ip;
    line.word(",\"client\":\"", peer_ip(*record.client, ip.data()));
    line.out().put('"');
    if (record.client->port != 0) line.number(",\"client_port\":", record.client->port);
  }
  line.text(",\"user\":", record.user);
  line.text(",\"listener\":", record.listener);
  line.text(",\"route\":", record.route);
  line.text(",\"upstream\":", record.upstream);
  line.text(",\"endpoint\":", record.endpoint);
  line.text(",\"method\":", record.method);
  line.text(",\"target\":", record.target);
  line.text(",\"host\":", record.host);
  if (!record.method.empty()) {
    line.word(",\"protocol\":\"", protocol_of(record));
    line.out().put('"');
  }
  line.text(",\"request_line\":", record.request_line);
  line.number(",\"status\":", record.status);
  line.number(",\"bytes_in\":", record.bytes_in);
  line.number(",\"bytes_out\":", record.bytes_out);
  line.duration(",\"head_ms\":", record.head);
  line.duration(",\"failed_ms\":", record.failed);
  line.duration(",\"connect_ms\":", record.connect);
  line.duration(",\"first_byte_ms\":", record.first_byte);
  line.duration(",\"total_ms\":", record.total);
  if (record.attempts > 0) {
    line.number(",\"attempts\":", record.attempts);
    line.word(",\"reused\":", record.reused ? "true" : "false");
  }
  if (!record.tries.empty()) line.tries(record.tries, try_limit);
  line.text(",\"referer\":", record.referer);
  line.text(",\"user_agent\":", record.user_agent);
  line.text(",\"request_id\":", record.request_id);
  line.word(",\"end\":\"", word_of(record.ending));
  line.text("\",\"word\":", record.word);
  line.out().put(record.word.empty() ? "\"}\n" : "}\n");
  return static_cast<std::size_t>(line.out().at - out);
}

AccessFormat::AccessFormat(const AccessLogSpec& spec, bool colour) : format_(spec.format), colour_(colour) {
  if (format_ != LogFormat::line) return;
  auto compiled = Template::compile(spec.line, access_log_fields);
  WEIR_VERIFY(compiled.has_value());
  line_ = std::move(*compiled);
}

std::size_t AccessFormat::write(const AccessRecord& record, char* out, std::size_t size) const noexcept {
  switch (format_) {
    case LogFormat::combined: return write_combined(record, out, size);
    case LogFormat::json: return write_json(record, out, size);
    case LogFormat::terminal: return write_terminal(record, colour_, out, size);
    case LogFormat::line: return write_line(line_, record, out, size);
  }
  return 0;
}

}  // namespace weir::proxy
