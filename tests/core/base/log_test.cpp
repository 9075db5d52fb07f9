#include "core/base/log.hpp"

#include <algorithm>
#include <atomic>
#include <deque>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "core/base/rng.hpp"
#include "tests/support/catch.hpp"

using namespace weir;

namespace {

LogRecord record(std::string_view text, Level level = Level::info, std::int64_t ns = 0) {
  return {level, WallTime{ns}, text};
}

std::vector<std::string> drain(LogRing& ring) {
  std::vector<std::string> out;
  ring.drain([&](const LogRecord& each) { out.emplace_back(each.text); });
  return out;
}

// What a writer was given, and a gate at which the writer can be held.
class Sink {
 public:
  LogOptions options() {
    LogOptions made;
    made.write = [this](std::string_view lines) {
      std::unique_lock lock(mutex_);
      ++writes_;
      changed_.notify_all();
      changed_.wait(lock, [this] { return open_; });
      text_.append(lines);
    };
    made.append = append_raw;
    return made;
  }
  void hold() {
    const std::lock_guard lock(mutex_);
    open_ = false;
  }
  void let_go() {
    const std::lock_guard lock(mutex_);
    open_ = true;
    changed_.notify_all();
  }
  void wait_for_write(int number) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return writes_ >= number; });
  }
  std::string text() {
    const std::lock_guard lock(mutex_);
    return text_;
  }
  std::vector<std::string> lines() {
    std::vector<std::string> out;
    const std::string all = text();
    for (std::size_t at = 0; at < all.size();) {
      const std::size_t end = all.find('\n', at);
      out.push_back(all.substr(at, end - at));
      at = end + 1;
    }
    return out;
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::string text_;
  int writes_ = 0;
  bool open_ = true;
};

}  // namespace

TEST_CASE("records leave the ring as they came, oldest first", "[log][ring]") {
  LogRing ring(1024);
  CHECK(ring.empty());
  CHECK(ring.push(record("first", Level::warn, 17)));
  CHECK(ring.push(record("")));
  CHECK(ring.push(record("a\0b\n")));
  CHECK_FALSE(ring.empty());
  std::vector<LogRecord> seen;
  CHECK(ring.drain([&](const LogRecord& each) {
    seen.push_back(each);
    if (seen.size() == 1) CHECK(each.text == "first");
  }) == 3);
  REQUIRE(seen.size() == 3);
  CHECK(seen[0].level == Level::warn);
  CHECK(seen[0].time.ns == 17);
  CHECK(seen[1].text.empty());
  CHECK(ring.empty());
  CHECK(drain(ring).empty());
}

TEST_CASE("a ring wraps around at every offset without mixing records up", "[log][ring]") {
  LogRing ring(512);
  Rng rng(3);
  std::deque<std::string> expected;
  std::uint64_t lost = 0;
  for (int i = 0; i < 20'000; ++i) {
    if (rng.chance(0.6)) {
      std::string text(rng.below(113), static_cast<char>('a' + i % 26));
      if (ring.push(record(text))) {
        expected.push_back(std::move(text));
      } else {
        ++lost;
      }
    } else {
      for (const std::string& text : drain(ring)) {
        REQUIRE_FALSE(expected.empty());
        REQUIRE(text == expected.front());
        expected.pop_front();
      }
      REQUIRE(expected.empty());
    }
  }
  CHECK(lost > 0);
  CHECK(ring.dropped() == lost);
}

TEST_CASE("a full ring drops and counts, and takes records again once it was drained", "[log][ring]") {
  LogRing ring(256);
  int kept = 0;
  while (ring.push(record("0123456789abcdef"))) ++kept;
  CHECK(kept == 8);
  CHECK(ring.dropped() == 1);
  CHECK(ring.filling());
  CHECK_FALSE(ring.push(record("")));
  CHECK(ring.dropped() == 2);
  CHECK(drain(ring).size() == 8);
  CHECK_FALSE(ring.filling());
  CHECK(ring.push(record("again")));
  CHECK(drain(ring) == std::vector<std::string>{"again"});
  CHECK(ring.dropped() == 2);
}

TEST_CASE("a record may take a quarter of the ring and no more", "[log][ring]") {
  LogRing ring(1024);
  CHECK(ring.push(record(std::string(240, 'x'))));
  CHECK_FALSE(ring.push(record(std::string(241, 'x'))));
  CHECK(ring.dropped() == 1);
}

TEST_CASE("between two threads every record is delivered in order or counted as dropped", "[log][ring]") {
  constexpr std::uint64_t pushes = 100'000;
  LogRing ring(1024);
  std::atomic<bool> done{false};
  std::thread producer([&] {
    for (std::uint64_t i = 0; i < pushes; ++i) {
      const std::string text = std::to_string(i) + std::string(i % 40, '.');
      ring.push(record(text));
    }
    done = true;
  });
  std::uint64_t delivered = 0;
  std::uint64_t next = 0;
  bool right = true;
  while (true) {
    const bool last = done;
    delivered += ring.drain([&](const LogRecord& each) {
      const std::uint64_t number = std::stoull(std::string(each.text));
      const std::string digits = std::to_string(number);
      right = right && number >= next && each.text == digits + std::string(number % 40, '.');
      next = number + 1;
    });
    if (last) break;
  }
  producer.join();
  CHECK(right);
  CHECK(delivered > 0);
  CHECK(delivered + ring.dropped() == pushes);
}

TEST_CASE("the writer delivers what several threads push, each thread's lines in order", "[log]") {
  constexpr int each = 2000;
  Sink sink;
  LogWriter writer(sink.options());
  std::vector<std::thread> threads;
  for (int thread = 0; thread < 3; ++thread) {
    threads.emplace_back([&, thread] {
      LogProducer producer(writer);
      for (int i = 0; i < each; ++i) producer.push(record(fmt::format("{} {}", thread, i)));
    });
  }
  for (std::thread& thread : threads) thread.join();
  writer.flush();
  int next[3] = {0, 0, 0};
  bool in_order = true;
  for (const std::string& line : sink.lines()) {
    const int thread = line.at(0) - '0';
    in_order = in_order && line == fmt::format("{} {}", thread, next[thread]++);
  }
  CHECK(in_order);
  CHECK(next[0] + next[1] + next[2] == 3 * each);
  CHECK(writer.written() == 3 * each);
  CHECK(writer.dropped() == 0);
}

TEST_CASE("a record wakes a sleeping writer, again and again", "[log]") {
  Sink sink;
  LogWriter writer(sink.options());
  LogProducer producer(writer);
  for (int i = 1; i <= 20; ++i) {
    producer.push(record("line"));
    sink.wait_for_write(i);
  }
  writer.flush();
  CHECK(sink.lines().size() == 20);
}

TEST_CASE("while the sink is stuck the caller goes on, and the writer tells later how much was lost", "[log]") {
  Sink sink;
  LogWriter writer(sink.options());
  LogProducer producer(writer, 1024);
  sink.hold();
  producer.push(record("first"));
  sink.wait_for_write(1);
  int kept = 1;
  std::uint64_t lost = 0;
  while (lost < 5) {
    if (producer.push(record("a line that fills the ring"))) {
      ++kept;
    } else {
      ++lost;
    }
  }
  sink.let_go();
  writer.flush();
  CHECK(writer.dropped() == lost);
  CHECK(writer.written() == static_cast<std::uint64_t>(kept));
  CHECK(sink.text().find("log records lost: 5 dropped\n") != std::string::npos);
  CHECK(sink.lines().size() == static_cast<std::size_t>(kept) + 1);

  producer.push(record("after"));
  writer.flush();
  CHECK(sink.lines().back() == "after");
}

TEST_CASE("a stream whose lines have a format reports its losses elsewhere", "[log]") {
  Sink sink;
  std::atomic<std::uint64_t> reported{0};
  LogOptions options = sink.options();
  options.report = [&](const LogLoss& loss) {
    if (loss.what == LogLoss::What::dropped) reported += loss.lines;
  };
  LogWriter writer(std::move(options));
  LogProducer producer(writer, 256);
  CHECK_FALSE(producer.push(record(std::string(300, 'x'))));
  writer.flush();
  CHECK(reported == 1);
  CHECK(sink.text().empty());
}

TEST_CASE("what several producers lost at a time is told once", "[log]") {
  Sink sink;
  std::vector<std::uint64_t> told;
  LogOptions options = sink.options();
  options.report = [&](const LogLoss& loss) { told.push_back(loss.lines); };
  LogWriter writer(std::move(options));
  LogProducer one(writer, 256);
  LogProducer two(writer, 256);
  sink.hold();
  one.push(record("first"));
  sink.wait_for_write(1);
  CHECK_FALSE(one.push(record(std::string(300, 'x'))));
  CHECK_FALSE(two.push(record(std::string(300, 'x'))));
  CHECK_FALSE(two.push(record(std::string(300, 'x'))));
  sink.let_go();
  writer.flush();
  CHECK(told == std::vector<std::uint64_t>{3});
  CHECK(writer.dropped() == 3);
}

namespace {

// A device that is full, or has room for so many bytes.
struct Device {
  std::string text;
  std::size_t room = 0;

  LogOptions options(std::vector<std::string>* told = nullptr) {
    LogOptions made;
    made.append = append_raw;
    made.write = [this](std::string_view lines) {
      const std::size_t taken = std::min(room, lines.size());
      text.append(lines.substr(0, taken));
      room -= taken;
      if (taken < lines.size()) throw LogWriteFailed("no space", taken);
    };
    if (told == nullptr) return made;
    made.report = [told](const LogLoss& loss) {
      constexpr const char* names[] = {"dropped", "unwritable", "writable"};
      told->push_back(fmt::format("{} {} {}", names[static_cast<int>(loss.what)], loss.lines, loss.why));
    };
    return made;
  }
};

}  // namespace

TEST_CASE("lines that cannot be written are counted, and told of when it begins and when it ends", "[log]") {
  Device device;
  std::vector<std::string> told;
  LogWriter writer(device.options(&told));
  LogProducer producer(writer);
  const auto write = [&](std::string_view text) {
    producer.push(record(text));
    writer.flush();
  };
  write("one");
  write("two");
  write("three");
  CHECK(told == std::vector<std::string>{"unwritable 1 no space"});
  CHECK(writer.unwritten() == 3);
  device.room = 100;
  write("four");
  write("five");
  CHECK(device.text == "four\nfive\n");
  CHECK(told == std::vector<std::string>{"unwritable 1 no space", "writable 3 "});
  device.room = 2;
  write("six");  // a line in part is lost
  CHECK(told.back() == "unwritable 1 no space");
  CHECK(told.size() == 3);
  CHECK(writer.unwritten() == 4);
}

TEST_CASE("a stream without another place for it says what it lost as soon as it can be written", "[log]") {
  Device device;
  {
    LogWriter writer(device.options());
    LogProducer producer(writer);
    producer.push(record("one"));
    writer.flush();
    device.room = 1000;
    producer.push(record("two"));
    writer.flush();
    producer.push(record("three"));
    writer.flush();
  }
  CHECK(device.text.starts_with("two\n"));
  CHECK(device.text.find("log records lost: 1 could not be written\n") != std::string::npos);
}

TEST_CASE("what a producer left behind is written, whichever ends first", "[log]") {
  Sink sink;
  {
    LogWriter writer(sink.options());
    { LogProducer(writer).push(record("one")); }
    LogProducer producer(writer);
    producer.push(record("two"));
  }
  const std::vector<std::string> lines = sink.lines();
  REQUIRE(lines.size() == 2);
  CHECK(lines[0] == "one");
  CHECK(lines[1] == "two");
}

TEST_CASE("the sink is reopened on the writer's thread, between writes", "[log]") {
  Sink sink;
  std::atomic<std::thread::id> where{};
  std::string order;
  LogOptions options;
  options.append = append_raw;
  options.write = [&](std::string_view lines) { order.append(lines); };
  options.reopen = [&] {
    where = std::this_thread::get_id();
    order.append("reopened\n");
  };
  LogWriter writer(std::move(options));
  LogProducer producer(writer);
  producer.push(record("before"));
  writer.flush();
  writer.reopen();
  writer.flush();
  producer.push(record("after"));
  writer.flush();
  CHECK(order == "before\nreopened\nafter\n");
  CHECK(where.load() != std::this_thread::get_id());
}

TEST_CASE("a sink that throws loses its lines and is counted, and the writer goes on", "[log]") {
  std::string text;
  bool broken = true;
  LogOptions options;
  options.append = append_raw;
  options.write = [&](std::string_view lines) {
    if (broken) throw std::runtime_error("disk full");
    text.append(lines);
  };
  options.report = [](const LogLoss&) {};  // when it is due is a matter of time; it is no line of this log
  LogWriter writer(std::move(options));
  LogProducer producer(writer);
  producer.push(record("lost"));
  writer.flush();
  CHECK(writer.unwritten() == 1);
  broken = false;
  producer.push(record("kept"));
  writer.flush();
  CHECK(text == "kept\n");
}

TEST_CASE("an operational line has time, level and text, and nobody can forge one", "[log]") {
  std::string out;
  append_line(record("hello", Level::warn, 1'772'366'400'123'456'789), out);
  CHECK(out == "2026-03-01T12:00:00.123Z warn hello\n");
  out.clear();
  append_line(record("a\nb\x1b[0m\x7f\tc", Level::error), out);
  CHECK(out == "1970-01-01T00:00:00.000Z error a\\x0ab\\x1b[0m\\x7f\\x09c\n");
  out.clear();
  append_raw(record("GET / 200"), out);
  CHECK(out == "GET / 200\n");
}

TEST_CASE("log calls go to the thread's writer from their level on", "[log]") {
  set_log_clock([]() noexcept { return WallTime{0}; });
  Sink sink;
  LogOptions options = sink.options();
  options.append = append_line;
  LogWriter writer(std::move(options));
  {
    const LogThread here(writer);
    CHECK_FALSE(log_enabled(Level::debug));
    log_debug("not seen");
    log_info("seen {}", 1);
    set_log_level(Level::warn);
    log_info("not seen");
    log_error("seen {}", kv("number", 2));
    set_log_level(Level::info);
    std::thread other([&] {
      const LogThread there(writer);
      log_warn("from another thread");
    });
    other.join();
  }
  writer.flush();
  set_log_clock(nullptr);
  CHECK(sink.lines().size() == 3);
  const std::string all = sink.text();
  CHECK(all.find("1970-01-01T00:00:00.000Z info seen 1\n") != std::string::npos);
  CHECK(all.find("1970-01-01T00:00:00.000Z error seen number=2\n") != std::string::npos);
  CHECK(all.find("1970-01-01T00:00:00.000Z warn from another thread\n") != std::string::npos);
}

TEST_CASE("keys and values stay one word each", "[log]") {
  const std::string text = "two words";
  CHECK(fmt::format("{}", kv("n", 42)) == "n=42");
  CHECK(fmt::format("{}", kv("on", true)) == "on=true");
  CHECK(fmt::format("{}", kv("host", "example.com")) == "host=example.com");
  CHECK(fmt::format("{}", kv("name", text)) == "name=\"two words\"");
  CHECK(fmt::format("{}", kv("view", std::string_view(text).substr(0, 3))) == "view=two");
  CHECK(fmt::format("{}", kv("empty", "")) == "empty=\"\"");
  CHECK(fmt::format("{}", kv("quoted", "a\"b\\c")) == "quoted=\"a\\\"b\\\\c\"");
  CHECK(fmt::format("{}", kv("equals", "a=b")) == "equals=\"a=b\"");
}

TEST_CASE("every level has a name", "[log]") {
  CHECK(name_of(Level::trace) == "trace");
  CHECK(name_of(Level::debug) == "debug");
  CHECK(name_of(Level::info) == "info");
  CHECK(name_of(Level::warn) == "warn");
  CHECK(name_of(Level::error) == "error");
}
