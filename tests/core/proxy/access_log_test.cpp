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
        "{\"time\":\"1970-01-01T00:00:00.000Z\",\"bytes_in\":0,\"bytes_out\":0,\"end\":\"head_timeout\"}\n");
}

TEST_CASE("The JSON line escapes controls and quotes and replaces what is not UTF-8") {
  AccessRecord record;
  const auto host_of = [&record](std::string_view host) {
    record.host = host;
    const std::string line = json(record);
    const std::size_t begin = line.find("\"host\":\"") + 8;
    return line.substr(begin, line.find("\",\"bytes_in\"") - begin);
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

TEST_CASE("A second is formatted anew when it changes, forwards or back") {
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
      check_whole_json(json(record, size));
      CHECK(json(record, size).size() > size - 256);  // the room is used
      const std::string line = combined(record, size);
      CHECK(line.size() > size - 256);
      CHECK(line.ends_with("\"\n"));
      CHECK(std::count(line.begin(), line.end(), '"') == 6);
      CHECK(std::count(line.begin(), line.end(), '\n') == 1);
    }
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
