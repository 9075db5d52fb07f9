#pragma once
// Logging that never makes its caller wait. Each thread formats its records into a ring of its own (LogProducer); one
// thread (LogWriter) drains the rings into a sink. A full ring drops records, and the writer says how many.
// log_info(...) and its kin write to the calling thread's ring, or straight to stderr where a thread has none.
// Two writers serve a daemon: operational records to stderr, access-log lines to a file.
//
//   log_info("listener opened {} {}", kv("name", name), kv("address", to_string(address)));

#include <fmt/format.h>

#include <condition_variable>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <stdexcept>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "core/base/log_ring.hpp"

namespace weir {

std::string_view name_of(Level level) noexcept;  // "info"

// "2026-03-01T12:00:00.123Z warn text\n". Control characters become \xNN, so that no line can be forged.
void append_line(const LogRecord& record, std::string& out);
// The text with its control characters as \xNN: what append_line does, for other forms of line.
void append_escaped(std::string_view text, std::string& out);
// The text and a line end, for records that are lines already.
void append_raw(const LogRecord& record, std::string& out);

// What a sink throws that could not take all lines.
class LogWriteFailed : public std::runtime_error {
 public:
  // `why` for people; `written`: bytes of the lines that were taken.
  LogWriteFailed(const std::string& why, std::size_t written) : std::runtime_error(why), written_(written) {}
  std::size_t written() const noexcept { return written_; }

 private:
  std::size_t written_;
};

// How lines are lost, and that they are no more.
struct LogLoss {
  enum class What : std::uint8_t {
    dropped,     // rings were full: `lines` since the last report, of all producers together
    unwritable,  // the sink has begun to refuse lines, `lines` of them so far, for `why`; told once per incident
    writable,    // it takes lines again, after `lines` were lost
  };
  What what;
  std::uint64_t lines;
  std::string_view why;
};

// Whether a log's path means standard output ("", "stdout") or standard error ("stderr").
inline bool names_stream(std::string_view path) noexcept { return path.empty() || path == "stdout" || path == "stderr"; }

struct LogOptions {
  // All are called on the writer's thread only. What reopen throws is counted and forgotten.
  std::function<void(std::string_view lines)> write;
  std::function<void()> reopen = [] {};
  void (*append)(const LogRecord& record, std::string& out) = append_line;
  // Without it the writer adds a line of its own to the stream, once the stream can be written.
  std::function<void(const LogLoss& loss)> report;
};

// Owns the rings and the thread that empties them. Any thread. Outlives its producers.
class LogWriter {
 public:
  explicit LogWriter(LogOptions options);
  LogWriter(const LogWriter&) = delete;
  LogWriter& operator=(const LogWriter&) = delete;
  ~LogWriter();  // writes what is left

  void flush();  // returns when everything pushed before has been given to the sink; waits, so not for reactors
  void reopen() noexcept;  // calls the sink's reopen soon, between two writes

  std::uint64_t dropped() const noexcept { return dropped_.load(std::memory_order_relaxed); }
  std::uint64_t written() const noexcept { return written_.load(std::memory_order_relaxed); }
  std::uint64_t unwritten() const noexcept { return unwritten_.load(std::memory_order_relaxed); }  // lines
  std::uint64_t failed_reopens() const noexcept { return failed_reopens_.load(std::memory_order_relaxed); }

 private:
  friend class LogProducer;
  // A producer needs to wake the writer only when it is not about to look by itself.
  enum class State : int { awake, napping, sleeping };
  struct Source {
    explicit Source(std::size_t capacity) : ring(capacity) {}
    LogRing ring;
    std::uint64_t noticed = 0;           // writer's: drops that were counted
    std::atomic<bool> abandoned{false};  // the producer has gone
  };

  Source& add(std::size_t capacity);
  void abandon(Source& source) noexcept;
  void pushed(Source& source) noexcept {
    const State state = state_.load(std::memory_order_seq_cst);
    if (state == State::awake) return;
    if (state == State::sleeping || source.ring.filling()) wake();
  }
  void wake() noexcept;
  void run() noexcept;
  bool drain_all();
  std::uint64_t drain(Source& source);
  void write_batch() noexcept;
  void lost_in_write(std::string_view why, std::size_t written) noexcept;
  void report(const LogLoss& loss) noexcept;
  void reopen_sink() noexcept;
  void rest(std::unique_lock<std::mutex>& lock, bool was_busy);

  LogOptions options_;
  std::string batch_;  // writer's
  std::atomic<State> state_{State::awake};
  std::atomic<std::uint64_t> dropped_{0};
  std::atomic<std::uint64_t> written_{0};
  std::atomic<std::uint64_t> unwritten_{0};
  std::atomic<std::uint64_t> failed_reopens_{0};
  std::uint64_t incident_ = 0;  // writer's: lines lost since the sink began to refuse them; 0: it takes them

  std::mutex mutex_;  // guards what follows; never held while the sink works
  std::condition_variable wanted_;
  std::condition_variable flushed_;
  std::vector<std::unique_ptr<Source>> sources_;
  std::uint64_t flush_asked_ = 0;
  std::uint64_t flush_done_ = 0;
  bool reopen_asked_ = false;
  bool stop_ = false;

  std::thread thread_;  // last: it uses everything above
};

// One thread's way into a writer.
class LogProducer {
 public:
  explicit LogProducer(LogWriter& writer, std::size_t capacity = LogRing::default_capacity)
      : writer_(writer), source_(writer.add(capacity)) {}
  LogProducer(const LogProducer&) = delete;
  LogProducer& operator=(const LogProducer&) = delete;
  ~LogProducer() { writer_.abandon(source_); }

  // False: dropped and counted.
  bool push(const LogRecord& record) noexcept {
    const bool kept = source_.ring.push(record);
    writer_.pushed(source_);
    return kept;
  }

 private:
  LogWriter& writer_;
  LogWriter::Source& source_;
};

// While it exists, the thread that made it logs to `writer`.
class LogThread {
 public:
  explicit LogThread(LogWriter& writer, std::size_t capacity = LogRing::default_capacity);
  LogThread(const LogThread&) = delete;
  LogThread& operator=(const LogThread&) = delete;
  ~LogThread();

 private:
  LogProducer producer_;
  LogProducer* outer_;
};

// Records below this level are not made. Process-wide; info at start.
void set_log_level(Level level) noexcept;
bool log_enabled(Level level) noexcept;
// The clock of log lines; at start, and for nullptr, the system's wall clock.
void set_log_clock(WallTime (*clock)() noexcept) noexcept;

void vlog(Level level, fmt::string_view format, fmt::format_args args) noexcept;

template <class... Args>
void log(Level level, fmt::format_string<Args...> format, Args&&... args) noexcept {
  if (log_enabled(level)) vlog(level, format, fmt::make_format_args(args...));
}
template <class... Args>
void log_debug(fmt::format_string<Args...> format, Args&&... args) noexcept {
  log(Level::debug, format, std::forward<Args>(args)...);
}
template <class... Args>
void log_info(fmt::format_string<Args...> format, Args&&... args) noexcept {
  log(Level::info, format, std::forward<Args>(args)...);
}
template <class... Args>
void log_warn(fmt::format_string<Args...> format, Args&&... args) noexcept {
  log(Level::warn, format, std::forward<Args>(args)...);
}
template <class... Args>
void log_error(fmt::format_string<Args...> format, Args&&... args) noexcept {
  log(Level::error, format, std::forward<Args>(args)...);
}

// Formats as key=value; a text with blanks, quotes, '=' or nothing in it is quoted.
template <class T>
struct KeyValue {
  std::string_view key;
  const T& value;
};
template <class T>
KeyValue<T> kv(std::string_view key, const T& value) noexcept {
  return {key, value};
}

bool needs_quotes(std::string_view value) noexcept;
void append_quoted(std::string_view value, fmt::memory_buffer& out);

}  // namespace weir

template <class T>
struct fmt::formatter<weir::KeyValue<T>> {
  constexpr auto parse(fmt::format_parse_context& context) { return context.begin(); }
  template <class Context>
  auto format(const weir::KeyValue<T>& pair, Context& context) const {
    if constexpr (std::is_convertible_v<const T&, std::string_view>) {
      const std::string_view text = pair.value;
      if (weir::needs_quotes(text)) {
        fmt::memory_buffer quoted;
        weir::append_quoted(text, quoted);
        return fmt::format_to(context.out(), "{}={}", pair.key, fmt::string_view(quoted.data(), quoted.size()));
      }
      return fmt::format_to(context.out(), "{}={}", pair.key, text);
    } else {
      return fmt::format_to(context.out(), "{}={}", pair.key, pair.value);
    }
  }
};
