// Access log lines to the byte.

#include "core/proxy/access_log.hpp"

#include <algorithm>
#include <cctype>
#include <memory>
#include <vector>

#include "tests/core/proxy/heads.hpp"

namespace weir::proxy::test {
namespace {

constexpr std::int64_t at_three = 1795402800;  // 2026-11-23T03:00:00Z

using Writer = std::size_t (*)(const AccessRecord&, char*, std::size_t) noexcept;

// In memory of exactly `size`, so that a sanitizer sees a byte too many.
std::string write(Writer writer, const AccessRecord& record, std::size_t size = line_room) {
  const auto room = std::make_unique<char[]>(size);
  const std::size_t length = writer(record, room.get(), size);
  REQUIRE(length <= size);
  return std::string(room.get(), length);
}
std::string combined(const AccessRecord& record, std::size_t size = line_room) {
  return write(write_combined, record, size);
}
std::string json(const AccessRecord& record, std::size_t size = line_room) { return write(write_json, record, size); }

std::string terminal(const AccessRecord& record, bool colour = false, std::size_t size = line_room) {
  const auto room = std::make_unique<char[]>(size);
  const std::size_t length = write_terminal(record, colour, room.get(), size);
  REQUIRE(length <= size);
  return std::string(room.get(), length);
}
std::string line(std::string_view text, const AccessRecord& record, std::size_t size = line_room) {
  const auto compiled = Template::compile(text, access_log_fields);
  REQUIRE(compiled.has_value());
  const auto room = std::make_unique<char[]>(size);
  const std::size_t length = write_line(*compiled, record, room.get(), size);
  REQUIRE(length <= size);
  return std::string(room.get(), length);
}

struct Sample {
  Address client = ip("127.0.0.1", 1234);
  AccessRecord record;
  Sample() {
    record.started = {at_three * 1'000'000'000 + 123'456'789};
    record.client = &client;
    record.listener = "web";
    record.route = "route 1";
    record.upstream = "app";
    record.endpoint = "127.0.0.1:3001";
    record.method = "GET";
    record.target = "/a?b=c";
    record.host = "example.com";
    record.referer = "http://from.example/";
    record.user_agent = "curl/8.0";
    record.request_id = "0123456789abcdef";
    record.status = 200;
    record.bytes_in = 10;
    record.bytes_out = 5120;
    record.head = std::chrono::microseconds(12);
    record.connect = Duration{0};
    record.first_byte = std::chrono::microseconds(1500);
    record.total = std::chrono::milliseconds(2002) + Duration{999};
    record.attempts = 1;
    record.reused = true;
  }
};

TEST_CASE("The combined line is the one that nginx writes") {
  const Sample sample;
  CHECK(combined(sample.record) ==
        "127.0.0.1 - - [23/Nov/2026:03:00:00 +0000] \"GET /a?b=c HTTP/1.1\" 200 5120 \"http://from.example/\" "
        "\"curl/8.0\"\n");
}

TEST_CASE("The combined line says - for what is not there") {
  AccessRecord record;
  record.status = 400;
  CHECK(combined(record) == "- - - [01/Jan/1970:00:00:00 +0000] \"-\" 400 0 \"-\" \"-\"\n");
  Address local_peer;
  local_peer.family = Family::unix_path;
  record.client = &local_peer;
  record.status = 0;
  record.method = "GET";
  record.target = "/";
  record.minor_version = 0;
  CHECK(combined(record) == "unix: - - [01/Jan/1970:00:00:00 +0000] \"GET / HTTP/1.0\" 000 0 \"-\" \"-\"\n");
  local_peer.family = Family::named_pipe;
  CHECK(combined(record) == "pipe: - - [01/Jan/1970:00:00:00 +0000] \"GET / HTTP/1.0\" 000 0 \"-\" \"-\"\n");
}

TEST_CASE("The combined line escapes as nginx does") {
  Sample sample;
  sample.record.target = "/\"\\\x01";
  sample.record.referer = "a\xc3\xa9\x7f\n";
  sample.record.user_agent = "tab\there";
  CHECK(combined(sample.record) ==
        "127.0.0.1 - - [23/Nov/2026:03:00:00 +0000] \"GET /\\x22\\x5C\\x01 HTTP/1.1\" 200 5120 "
        "\"a\\xC3\\xA9\\x7F\\x0A\" \"tab\\x09here\"\n");
}

TEST_CASE("The JSON line has every phase") {
  const Sample sample;
  CHECK(json(sample.record) ==
        "{\"time\":\"2026-11-23T03:00:00.123Z\",\"client\":\"127.0.0.1\",\"client_port\":1234,\"listener\":\"web\","
        "\"route\":\"route 1\",\"upstream\":\"app\",\"endpoint\":\"127.0.0.1:3001\",\"method\":\"GET\","
        "\"target\":\"/a?b=c\",\"host\":\"example.com\",\"protocol\":\"HTTP/1.1\",\"status\":200,\"bytes_in\":10,"
        "\"bytes_out\":5120,\"head_ms\":0.012,\"connect_ms\":0.000,\"first_byte_ms\":1.500,\"total_ms\":2002.000,"
        "\"attempts\":1,\"reused\":true,\"referer\":\"http://from.example/\",\"user_agent\":\"curl/8.0\","
        "\"request_id\":\"0123456789abcdef\",\"end\":\"ok\"}\n");
}

TEST_CASE("The JSON line leaves out what did not happen") {
  AccessRecord record;
  record.ending = Ending::head_timeout;
  CHECK(json(record) ==
        "{\"time\":\"1970-01-01T00:00:00.000Z\",\"status\":0,\"bytes_in\":0,\"bytes_out\":0,\"end\":\"head_timeout\"}\n");
}

TEST_CASE("The JSON line escapes controls and quotes and replaces what is not UTF-8") {
  AccessRecord record;
  const auto host_of = [&record](std::string_view host) {
    record.host = host;
    const std::string line = json(record);
    const std::size_t begin = line.find("\"host\":\"") + 8;
    return line.substr(begin, line.find("\",\"status\"") - begin);
  };
  CHECK(host_of("a\"b\\c") == "a\\\"b\\\\c");
  CHECK(host_of(std::string_view("\0\x1f\n", 3)) == "\\u0000\\u001F\\u000A");
  CHECK(host_of("\x7f") == "\x7f");
  CHECK(host_of("\xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80") == "\xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80");
  const std::string replaced = "\xef\xbf\xbd";
  CHECK(host_of("a\xff") == "a" + replaced);
  CHECK(host_of("\xc3") == replaced);                                               // cut short
  CHECK(host_of("\xc0\xaf") == replaced + replaced);                                // overlong
  CHECK(host_of("\xed\xa0\x80") == replaced + replaced + replaced);                 // a surrogate
  CHECK(host_of("\xf4\x90\x80\x80") == replaced + replaced + replaced + replaced);  // beyond Unicode
  CHECK(host_of("\xe2\x82x") == replaced + replaced + "x");
}

TEST_CASE("Peers of an IPv6 listener are logged by their own address") {
  Sample sample;
  sample.client = ip("::ffff:10.0.0.1");
  CHECK(combined(sample.record).starts_with("10.0.0.1 - - ["));
  sample.client = ip("2001:db8::1");
  CHECK(json(sample.record).find("\"client\":\"2001:db8::1\",") != std::string::npos);
}

TEST_CASE("A second is formatted when it changes, forwards or back") {
  Sample sample;
  const auto time = [&sample](std::int64_t ns) {
    sample.record.started = {ns};
    return json(sample.record).substr(9, 24);
  };
  CHECK(time(at_three * 1'000'000'000) == "2026-11-23T03:00:00.000Z");
  CHECK(time((at_three + 1) * 1'000'000'000 - 1) == "2026-11-23T03:00:00.999Z");
  CHECK(time((at_three + 1) * 1'000'000'000) == "2026-11-23T03:00:01.000Z");
  CHECK(time(at_three * 1'000'000'000 + 5'000'000) == "2026-11-23T03:00:00.005Z");
  CHECK(time(951782400'000'000'000) == "2000-02-29T00:00:00.000Z");
  CHECK(time(-1) == "1969-12-31T23:59:59.999Z");
}

// Whether a JSON line is whole: strings closed, no half escape.
void check_whole_json(const std::string& line) {
  REQUIRE(line.starts_with("{\"time\":"));
  REQUIRE(line.ends_with("\"}\n"));
  bool inside = false;
  for (std::size_t i = 0; i + 1 < line.size(); ++i) {
    if (line[i] == '\\') {
      const bool unicode = line[i + 1] == 'u';
      for (std::size_t k = 2; unicode && k < 6; ++k) REQUIRE(std::isxdigit(static_cast<unsigned char>(line[i + k])));
      i += unicode ? 5 : 1;
    } else if (line[i] == '"') {
      inside = !inside;
    }
  }
  REQUIRE_FALSE(inside);
}

TEST_CASE("Lines are cut to the room there is, and stay whole") {
  for (const std::size_t size : {min_line_room, min_line_room + 1, min_line_room + 777, line_room}) {
    for (const std::string_view unit : {"x", "\"", "\x01", "\xc3\xa9", "\xff", "\xf0\x9f\x98\x80"}) {
      Sample sample;
      std::string text;
      for (int i = 0; i < 9000; ++i) text += unit;
      AccessRecord& record = sample.record;
      sample.client = ip("1111:2222:3333:4444:5555:6666:7777:8888", 65535);
      record.target = record.referer = record.user_agent = record.host = text;
      record.request_id = record.method = record.listener = record.route = record.upstream = record.endpoint = text;
      record.bytes_in = record.bytes_out = UINT64_MAX;
      record.head = record.connect = record.first_byte = record.total = Duration::max();
      record.status = 65535;
      record.attempts = 255;
      record.ending = Ending::upstream_timeout;
      record.user = record.request_line = text;
      record.word = "two-lengths";
      record.failed = Duration::max();
      EndpointSpec endpoint;
      endpoint.text = text;
      AttemptNotes notes;
      for (int i = 0; i < 9; ++i) notes.add(endpoint, Duration::max(), Ending::upstream_timeout, true);
      record.tries = notes.all();
      check_whole_json(json(record, size));
      CHECK(json(record, size).size() > size - 512);  // the room is used
      const std::string line = combined(record, size);
      CHECK(line.size() > size - 640);
      CHECK(line.ends_with("\"\n"));
      CHECK(std::count(line.begin(), line.end(), '"') == 6);
      CHECK(std::count(line.begin(), line.end(), '\n') == 1);
    }
  }
}

TEST_CASE("The combined line has the user of Basic credentials, as one word") {
  Sample sample;
  sample.record.user = "al ice\"";
  CHECK(combined(sample.record).starts_with("127.0.0.1 - al\\x20ice\\x22 [23/Nov/2026"));
}

TEST_CASE("A first line that is no request is logged as it came, escaped") {
  AccessRecord record;
  record.status = 400;
  record.request_line = "\x16\x03\x01 \"";
  record.word = "bad-method";
  record.ending = Ending::bad_request;
  CHECK(combined(record) == "- - - [01/Jan/1970:00:00:00 +0000] \"\\x16\\x03\\x01 \\x22\" 400 0 \"-\" \"-\"\n");
  CHECK(json(record) ==
        "{\"time\":\"1970-01-01T00:00:00.000Z\",\"request_line\":\"\\u0016\\u0003\\u0001 \\\"\",\"status\":400,"
        "\"bytes_in\":0,\"bytes_out\":0,\"end\":\"bad_request\",\"word\":\"bad-method\"}\n");
  CHECK(terminal(record) == "00:00:00Z \"\\x16\\x03\\x01 \\x22\" 400 0.0ms - bad_request: bad-method\n");
  CHECK(line("${request_line}|${method}|${word}", record) == "\\x16\\x03\\x01 \\x22|-|bad-method\n");
}

// Two attempts: a black hole, then a good endpoint.
struct Retried : Sample {
  EndpointSpec hole, good;
  AttemptNotes notes;
  Retried() {
    hole.text = "10.0.0.1:80";
    good.text = "127.0.0.1:3001";
    notes.add(hole, std::chrono::seconds(5), Ending::connect_timeout, false);
    notes.add(good, std::chrono::microseconds(1500), Ending::ok, true);
    record.tries = notes.all();
    record.failed = std::chrono::seconds(5);
    record.attempts = 2;
  }
};

TEST_CASE("The JSON line lists every attempt where one has failed") {
  const Retried sample;
  const std::string text = json(sample.record);
  CHECK(text.find("\"head_ms\":0.012,\"failed_ms\":5000.000,\"connect_ms\":0.000,") != std::string::npos);
  CHECK(text.find("\"attempts\":2,\"reused\":true,\"tries\":[{\"endpoint\":\"10.0.0.1:80\",\"end\":\"connect_timeout\","
                  "\"ms\":5000.000},{\"endpoint\":\"127.0.0.1:3001\",\"end\":\"ok\",\"ms\":1.500,\"reused\":true}],") !=
        std::string::npos);
  check_whole_json(text);
}

TEST_CASE("The terminal's line says what came of a request, and why") {
  Sample sample;
  CHECK(terminal(sample.record) == "03:00:00Z GET /a?b=c 200 2002ms 127.0.0.1:3001\n");
  sample.record.status = 502;
  sample.record.ending = Ending::bad_response;
  sample.record.word = "two-lengths";
  sample.record.total = std::chrono::microseconds(2050);
  CHECK(terminal(sample.record) == "03:00:00Z GET /a?b=c 502 2.0ms 127.0.0.1:3001 bad_response: two-lengths\n");
  sample.record.status = 200;
  sample.record.ending = Ending::upstream_closed;
  sample.record.word = {};
  CHECK(terminal(sample.record) == "03:00:00Z GET /a?b=c 200 2.0ms 127.0.0.1:3001 upstream_closed\n");
  Retried retried;
  retried.record.total = std::chrono::milliseconds(12'345);
  CHECK(terminal(retried.record) ==
        "03:00:00Z GET /a?b=c 200 12.3s 127.0.0.1:3001 (after 10.0.0.1:80 connect_timeout 5000ms)\n");
}

TEST_CASE("Colour is for terminals, and cannot be sent by a client") {
  Sample sample;
  CHECK(terminal(sample.record, true) == "03:00:00Z GET /a?b=c \x1b[32m200\x1b[0m 2002ms 127.0.0.1:3001\n");
  sample.record.status = 0;
  sample.record.ending = Ending::client_closed;
  CHECK(terminal(sample.record, true) ==
        "03:00:00Z GET /a?b=c \x1b[31m-\x1b[0m 2002ms 127.0.0.1:3001\x1b[31m client_closed\x1b[0m\n");
  sample.record.target = "/\x1b[31m";
  CHECK(terminal(sample.record).find('\x1b') == std::string::npos);
}

TEST_CASE("A line by template has every field") {
  Sample sample;
  sample.record.user = "alice";
  CHECK(line("${time} ${time_local} ${client}:${client_port} ${user} ${listener} ${route} ${upstream} ${endpoint}",
             sample.record) == "2026-11-23T03:00:00.123Z 23/Nov/2026:03:00:00 +0000 127.0.0.1:1234 alice web route 1 app "
                               "127.0.0.1:3001\n");
  CHECK(line("${method} ${target} ${host} ${protocol} \"${request_line}\" ${request_id}", sample.record) ==
        "GET /a?b=c example.com HTTP/1.1 \"GET /a?b=c HTTP/1.1\" 0123456789abcdef\n");
  CHECK(line("${status} ${bytes_in} ${bytes_out} ${head_ms} ${failed_ms} ${connect_ms} ${first_byte_ms} ${total_ms}",
             sample.record) == "200 10 5120 0.012 - 0.000 1.500 2002.000\n");
  CHECK(line("${attempts} ${reused} ${end} ${word} $$", sample.record) == "1 true ok - $\n");
}

TEST_CASE("A line by template says - for what did not happen") {
  const AccessRecord record;
  std::string all;
  for (const std::string_view name : access_log_fields) all.append("${").append(name).append("} ");
  CHECK(line(all + "${header.Host}", record) ==
        "1970-01-01T00:00:00.000Z - - - - - - - - - - - 0 0 0 - - - - 0 - ok - - - - 01/Jan/1970:00:00:00 +0000 -\n");
}

TEST_CASE("A line by template holds fields of the request, escaped") {
  const Request request(lines({"GET / HTTP/1.1", "Host: a", "X-Colour: \"red\"", "User-Agent: curl"}));
  Sample sample;
  sample.record.fields = &request.head();
  CHECK(line("${header.x-colour} ${header.User-Agent} ${header.Referer}", sample.record) == "\\x22red\\x22 curl -\n");
}

TEST_CASE("A line by template is cut to the room there is") {
  Sample sample;
  const std::string text(9000, '"');
  sample.record.target = sample.record.host = text;
  for (const std::size_t size : {min_line_room, line_room}) {
    const std::string cut = line("${target} ${host} ${status} ${request_line}", sample.record, size);
    CHECK(cut.ends_with("\n"));
    CHECK(cut.find(" 200 ") != std::string::npos);  // behind the long ones
    CHECK(std::count(cut.begin(), cut.end(), '\\') * 4 < static_cast<std::ptrdiff_t>(size));
    CHECK(line(std::string(20'000, 'x'), sample.record, size).size() == size);
  }
}

TEST_CASE("A long target does not cut the short texts beside it") {
  Sample sample;
  const std::string target = "/" + std::string(9000, 't');
  sample.record.target = target;
  CHECK(json(sample.record).find(target) != std::string::npos);
  const std::string cut = json(sample.record, min_line_room);
  CHECK(cut.find("\"user_agent\":\"curl/8.0\"") != std::string::npos);
  CHECK(cut.find("\"endpoint\":\"127.0.0.1:3001\"") != std::string::npos);
  CHECK(cut.find("\"target\":\"/ttttttt") != std::string::npos);
}

TEST_CASE("Every ending has a word of its own") {
  std::vector<std::string_view> words;
  for (int i = 0; i <= static_cast<int>(Ending::tunnel_closed); ++i) words.push_back(word_of(static_cast<Ending>(i)));
  std::sort(words.begin(), words.end());
  CHECK(std::adjacent_find(words.begin(), words.end()) == words.end());
  CHECK(std::find(words.begin(), words.end(), "unknown") == words.end());
}

}  // namespace
}  // namespace weir::proxy::test
