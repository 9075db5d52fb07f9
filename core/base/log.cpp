#include "core/base/log.hpp"

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <utility>

namespace weir {

namespace {

// How long a writer that found records waits before it looks again. Meanwhile a record costs its producer no system
// call; a ring that fills up wakes the writer sooner.
constexpr std::chrono::milliseconds nap{10};
constexpr std::size_t batch_bytes = 64 * 1024;

WallTime system_time() noexcept {
  const auto since_epoch = std::chrono::system_clock::now().time_since_epoch();
  return {std::chrono::duration_cast<std::chrono::nanoseconds>(since_epoch).count()};
}

std::atomic<Level> lowest{Level::info};
std::atomic<WallTime (*)() noexcept> wall_clock{&system_time};
thread_local LogProducer* current = nullptr;

bool is_control(char c) noexcept { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; }

void append_time(WallTime time, std::string& out) {
  using namespace std::chrono;
  const sys_time<nanoseconds> at{nanoseconds{time.ns}};
  const auto day = floor<days>(at);
  const year_month_day date{day};
  const hh_mm_ss clock{floor<milliseconds>(at - day)};
  fmt::format_to(std::back_inserter(out), "{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:03}Z", static_cast<int>(date.year()),
                 static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()), clock.hours().count(),
                 clock.minutes().count(), clock.seconds().count(), clock.subseconds().count());
}

void write_directly(const LogRecord& record) {
  std::string line;
  append_line(record, line);
  std::fwrite(line.data(), 1, line.size(), stderr);
}

}  // namespace

std::string_view name_of(Level level) noexcept {
  switch (level) {
    case Level::trace: return "trace";
    case Level::debug: return "debug";
    case Level::info: return "info";
    case Level::warn: return "warn";
    case Level::error: return "error";
  }
  return "error";
}

void append_escaped(std::string_view text, std::string& out) {
  for (const char c : text) {
    if (is_control(c)) {
      fmt::format_to(std::back_inserter(out), "\\x{:02x}", static_cast<unsigned>(c));
    } else {
      out.push_back(c);
    }
  }
}

void append_line(const LogRecord& record, std::string& out) {
  append_time(record.time, out);
  out.append(" ").append(name_of(record.level)).append(" ");
  append_escaped(record.text, out);
  out.push_back('\n');
}

void append_raw(const LogRecord& record, std::string& out) { out.append(record.text).push_back('\n'); }

// The writer ------------------------------------------------------------------------------------------------------

LogWriter::LogWriter(LogOptions options) : options_(std::move(options)), thread_([this] { run(); }) {}

LogWriter::~LogWriter() {
  {
    const std::lock_guard lock(mutex_);
    WEIR_VERIFY(std::all_of(sources_.begin(), sources_.end(),
                            [](const auto& source) { return source->abandoned.load(std::memory_order_relaxed); }));
    stop_ = true;
  }
  wake();
  thread_.join();
}

LogWriter::Source& LogWriter::add(std::size_t capacity) {
  auto source = std::make_unique<Source>(capacity);
  const std::lock_guard lock(mutex_);
  return *sources_.emplace_back(std::move(source));
}

void LogWriter::abandon(Source& source) noexcept {
  // From here on the writer may free the source at any time.
  source.abandoned.store(true, std::memory_order_release);
  wake();
}

void LogWriter::flush() {
  std::unique_lock lock(mutex_);
  const std::uint64_t mine = ++flush_asked_;
  state_.store(State::awake, std::memory_order_seq_cst);
  wanted_.notify_one();
  flushed_.wait(lock, [&] { return flush_done_ >= mine; });
}

void LogWriter::reopen() noexcept {
  {
    const std::lock_guard lock(mutex_);
    reopen_asked_ = true;
  }
  wake();
}

void LogWriter::wake() noexcept {
  state_.store(State::awake, std::memory_order_seq_cst);
  // Taking the mutex makes sure that the writer is either before its check of the state or in its wait.
  { const std::lock_guard lock(mutex_); }
  wanted_.notify_one();
}

void LogWriter::run() noexcept {
  std::unique_lock lock(mutex_);
  while (true) {
    const std::uint64_t flush_target = flush_asked_;
    const bool stopping = stop_;
    const bool reopening = std::exchange(reopen_asked_, false);
    lock.unlock();
    if (reopening) reopen_sink();
    const bool was_busy = drain_all();
    lock.lock();
    if (flush_done_ != flush_target) {
      flush_done_ = flush_target;
      flushed_.notify_all();
    }
    if (stopping) return;
    rest(lock, was_busy);
  }
}

// Waits for the next reason to look: a while after records were found, however long it takes after none were.
void LogWriter::rest(std::unique_lock<std::mutex>& lock, bool was_busy) {
  if (stop_ || reopen_asked_ || flush_asked_ != flush_done_) return;
  state_.store(was_busy ? State::napping : State::sleeping, std::memory_order_seq_cst);
  const bool missed = std::any_of(sources_.begin(), sources_.end(), [&](const auto& source) {
    return source->abandoned.load(std::memory_order_relaxed) ||
           (was_busy ? source->ring.filling() : !source->ring.empty());
  });
  const auto awake = [this] { return state_.load(std::memory_order_relaxed) == State::awake; };
  if (missed) {
    state_.store(State::awake, std::memory_order_relaxed);
  } else if (was_busy) {
    wanted_.wait_for(lock, nap, awake);
    state_.store(State::awake, std::memory_order_relaxed);
  } else {
    wanted_.wait(lock, awake);
  }
}

// True if there was anything.
bool LogWriter::drain_all() {
  std::vector<Source*> sources;
  {
    const std::lock_guard lock(mutex_);
    for (const auto& source : sources_) sources.push_back(source.get());
  }
  const std::uint64_t before = written_.load(std::memory_order_relaxed);
  std::vector<Source*> gone;
  std::uint64_t lost = 0;
  for (Source* source : sources) {
    // Looked at before draining: what an abandoned ring holds then is all it will ever hold.
    if (source->abandoned.load(std::memory_order_acquire)) gone.push_back(source);
    lost += drain(*source);
  }
  if (lost > 0) {
    dropped_.fetch_add(lost, std::memory_order_relaxed);
    report({LogLoss::What::dropped, lost, {}});
  }
  write_batch();
  if (!gone.empty()) {
    const std::lock_guard lock(mutex_);
    std::erase_if(sources_,
                  [&](const auto& source) { return std::find(gone.begin(), gone.end(), source.get()) != gone.end(); });
  }
  return written_.load(std::memory_order_relaxed) != before;
}

// How many records were dropped since the last call.
std::uint64_t LogWriter::drain(Source& source) {
  const std::size_t taken = source.ring.drain([this](const LogRecord& record) {
    options_.append(record, batch_);
    if (batch_.size() >= batch_bytes) write_batch();
  });
  written_.fetch_add(taken, std::memory_order_relaxed);
  const std::uint64_t lost = source.ring.dropped() - source.noticed;
  source.noticed += lost;
  return lost;
}

void LogWriter::report(const LogLoss& loss) noexcept {
  if (options_.report) {
    options_.report(loss);
    return;
  }
  if (loss.what == LogLoss::What::unwritable) return;  // there is nowhere to write it
  const char* how = loss.what == LogLoss::What::dropped ? "dropped" : "could not be written";
  const std::string text = fmt::format("log records lost: {} {}", loss.lines, how);
  options_.append(LogRecord{Level::warn, wall_clock.load(std::memory_order_relaxed)(), text}, batch_);
}

void LogWriter::reopen_sink() noexcept {
  try {
    options_.reopen();
  } catch (...) { failed_reopens_.fetch_add(1, std::memory_order_relaxed); }
}

void LogWriter::write_batch() noexcept {
  if (batch_.empty()) return;
  try {
    options_.write(batch_);
    batch_.clear();
    const std::uint64_t lost = std::exchange(incident_, 0);
    if (lost > 0) report({LogLoss::What::writable, lost, {}});
  } catch (const LogWriteFailed& failed) { lost_in_write(failed.what(), failed.written()); } catch (
      const std::exception& failed) {
    lost_in_write(failed.what(), 0);
  } catch (...) { lost_in_write("for an unknown reason", 0); }
}

// A line that was taken in part is lost.
void LogWriter::lost_in_write(std::string_view why, std::size_t written) noexcept {
  const auto rest = batch_.begin() + static_cast<std::ptrdiff_t>(std::min(written, batch_.size()));
  const auto lines = static_cast<std::uint64_t>(std::count(rest, batch_.end(), '\n'));
  batch_.clear();
  if (lines == 0) return;
  unwritten_.fetch_add(lines, std::memory_order_relaxed);
  const bool begins = incident_ == 0;
  incident_ += lines;
  if (begins) report({LogLoss::What::unwritable, lines, why});
}

// The facade ------------------------------------------------------------------------------------------------------

LogThread::LogThread(LogWriter& writer, std::size_t capacity)
    : producer_(writer, capacity), outer_(std::exchange(current, &producer_)) {}

LogThread::~LogThread() { current = outer_; }

void set_log_level(Level level) noexcept { lowest.store(level, std::memory_order_relaxed); }
bool log_enabled(Level level) noexcept { return level >= lowest.load(std::memory_order_relaxed); }
void set_log_clock(WallTime (*clock)() noexcept) noexcept {
  wall_clock.store(clock ? clock : &system_time, std::memory_order_relaxed);
}

void vlog(Level level, fmt::string_view format, fmt::format_args args) noexcept {
  try {
    fmt::memory_buffer text;
    fmt::vformat_to(std::back_inserter(text), format, args);
    const LogRecord record{level, wall_clock.load(std::memory_order_relaxed)(), {text.data(), text.size()}};
    if (current) {
      current->push(record);
    } else {
      write_directly(record);
    }
  } catch (...) { std::fputs("weir: a log record could not be formatted\n", stderr); }
}

bool needs_quotes(std::string_view value) noexcept {
  return value.empty() || std::any_of(value.begin(), value.end(),
                                      [](char c) { return c == ' ' || c == '"' || c == '=' || is_control(c); });
}

void append_quoted(std::string_view value, fmt::memory_buffer& out) {
  out.push_back('"');
  for (const char c : value) {
    if (c == '"' || c == '\\') out.push_back('\\');
    out.push_back(c);
  }
  out.push_back('"');
}

}  // namespace weir
