// The format by template: a line of fields and literals that the configuration has composed.
#include "core/base/assert.hpp"
#include "core/proxy/access_log_parts.hpp"

namespace weir::proxy {
namespace {

// In the order of access_log_fields.
enum class LogField : std::uint8_t {
  time, client, client_port, user, listener, route, upstream, endpoint, method, target, host, protocol, status, bytes_in,
  bytes_out, head_ms, connect_ms, first_byte_ms, total_ms, attempts, reused, end, word, request_id, request_line,
  failed_ms, time_local,
};
static_assert(access_log_fields[static_cast<std::size_t>(LogField::time_local)] == "time_local");
static_assert(access_log_fields.size() == static_cast<std::size_t>(LogField::time_local) + 1);

constexpr std::size_t longest_value = 64;  // of what is no text

// What is not there, and a field that holds no text, is empty.
std::string_view text_of(LogField field, const AccessRecord& record) noexcept {
  switch (field) {
    case LogField::user: return record.user;
    case LogField::listener: return record.listener;
    case LogField::route: return record.route;
    case LogField::upstream: return record.upstream;
    case LogField::endpoint: return record.endpoint;
    case LogField::method: return record.method;
    case LogField::target: return record.target;
    case LogField::host: return record.host;
    case LogField::protocol: return record.method.empty() ? std::string_view{} : protocol_of(record);
    case LogField::reused: return record.attempts == 0 ? "" : record.reused ? "true" : "false";
    case LogField::end: return word_of(record.ending);
    case LogField::word: return record.word;
    case LogField::request_id: return record.request_id;
    default: return {};
  }
}

std::string_view value_of(http::FieldId id, std::string_view name, const AccessRecord& record) noexcept {
  if (record.fields == nullptr) return {};
  const http::Field* field = id == http::FieldId::other ? record.fields->find(name) : record.fields->find(id);
  return field == nullptr ? std::string_view{} : record.fields->value(*field);
}

// The room that each text may take.
std::size_t text_limit(const Template& line, const AccessRecord& record, std::size_t size) noexcept {
  std::size_t texts = 0;
  std::size_t raw = 0;
  std::size_t fixed = 1;
  const auto text = [&](std::string_view value) {
    ++texts;
    raw += value.size() + 1;
  };
  line.visit([&](std::string_view literal) { fixed += literal.size(); },
             [&](std::uint8_t number) {
               const auto field = static_cast<LogField>(number);
               if (field == LogField::request_line) {
                 text(record.method.empty() ? record.request_line : record.method);
                 text(record.target);
               }
               fixed += longest_value;
               text(text_of(field, record));
             },
             [&](http::FieldId id, std::string_view name) { text(value_of(id, name, record)); });
  if (fixed + raw * 4 <= size) return size;
  return fixed >= size ? 0 : (size - fixed) / std::max<std::size_t>(texts, 1);
}

class Line {
 public:
  Line(const AccessRecord& record, char* out, std::size_t size, std::size_t limit) noexcept
      : record_(record), out_{out}, end_(out + size - 1), limit_(limit) {}

  void literal(std::string_view text) noexcept { out_.put(text.substr(0, room())); }
  void text(std::string_view value) noexcept {
    put_escaped<HexEscape>(out_, or_dash(value), std::min(value.empty() ? 1 : limit_, room()));
  }
  void field(LogField field) noexcept;
  char* finish() noexcept {
    out_.put('\n');
    return out_.at;
  }

 private:
  std::size_t room() const noexcept { return static_cast<std::size_t>(end_ - out_.at); }
  void number(bool is_there, std::uint64_t value) noexcept {
    if (is_there) return out_.number(value);
    out_.put('-');
  }
  void duration(Duration value) noexcept {
    if (value.count() >= 0) return put_ms(out_, value);
    out_.put('-');
  }
  void request_line() noexcept;

  const AccessRecord& record_;
  TextOut out_;
  char* const end_;  // the line feed goes there
  const std::size_t limit_;
};

void Line::request_line() noexcept {
  if (record_.method.empty()) return text(record_.request_line);
  text(record_.method);
  literal(" ");
  text(record_.target);
  literal(" ");
  literal(protocol_of(record_));
}

void Line::field(LogField field) noexcept {
  if (room() < longest_value) return;  // the line ends where nothing fits any more
  const Address* client = record_.client;
  switch (field) {
    case LogField::time: return put_iso_time(out_, record_.started);
    case LogField::time_local: return out_.put({text_of_second(record_.started).local.data(), 26});
    case LogField::client: return put_client(out_, client);
    case LogField::client_port: return number(client != nullptr && client->port != 0, client ? client->port : 0);
    case LogField::status: return number(true, record_.status);
    case LogField::bytes_in: return number(true, record_.bytes_in);
    case LogField::bytes_out: return number(true, record_.bytes_out);
    case LogField::attempts: return number(true, record_.attempts);
    case LogField::head_ms: return duration(record_.head);
    case LogField::failed_ms: return duration(record_.failed);
    case LogField::connect_ms: return duration(record_.connect);
    case LogField::first_byte_ms: return duration(record_.first_byte);
    case LogField::total_ms: return duration(record_.total);
    case LogField::request_line: return request_line();
    default: return text(text_of(field, record_));
  }
}

}  // namespace

std::size_t write_line(const Template& line, const AccessRecord& record, char* out, std::size_t size) noexcept {
  WEIR_ASSERT(size >= min_line_room);
  Line to(record, out, size, text_limit(line, record, size));
  line.visit([&](std::string_view literal) { to.literal(literal); },
             [&](std::uint8_t number) { to.field(static_cast<LogField>(number)); },
             [&](http::FieldId id, std::string_view name) { to.text(value_of(id, name, record)); });
  return static_cast<std::size_t>(to.finish() - out);
}

}  // namespace weir::proxy
