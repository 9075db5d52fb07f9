#pragma once
// LogRing: log records as bytes between one producer thread and one consumer thread. A record that does not fit is
// dropped and counted; the producer never waits. It owns its memory and knows neither files nor clocks.

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <string_view>

#include "core/base/assert.hpp"
#include "core/base/time.hpp"

namespace weir {

enum class Level : std::uint8_t { trace, debug, info, warn, error };

struct LogRecord {
  Level level = Level::info;
  WallTime time;
  std::string_view text;
};

class LogRing {
 public:
  static constexpr std::size_t default_capacity = 256 * 1024;

  // `capacity` in bytes, a power of two. A record may take a quarter of it, its 16 bytes of header included.
  explicit LogRing(std::size_t capacity = default_capacity) : capacity_(capacity), bytes_(new std::byte[capacity]) {
    WEIR_VERIFY(capacity >= 256 && (capacity & (capacity - 1)) == 0);
  }
  LogRing(const LogRing&) = delete;
  LogRing& operator=(const LogRing&) = delete;

  // Producer. False: dropped.
  bool push(const LogRecord& record) noexcept {
    const std::size_t needed = record_bytes(record.text.size());
    const std::uint64_t at = written_.load(std::memory_order_relaxed);
    const std::size_t to_end = capacity_ - static_cast<std::size_t>(at & (capacity_ - 1));
    // A record is contiguous: where the end of the ring is too near, the rest of it is skipped.
    const std::size_t skipped = needed > to_end ? to_end : 0;
    if (needed > capacity_ / 4 || !has_room(at, skipped + needed)) {
      dropped_.store(dropped_.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
      return false;
    }
    if (skipped != 0) write_header(at, {skip_mark, Level::trace, 0});
    const std::uint64_t start = at + skipped;
    write_header(start, {static_cast<std::uint32_t>(record.text.size()), record.level, record.time.ns});
    if (!record.text.empty()) { std::memcpy(place(start) + sizeof(Header), record.text.data(), record.text.size()); }
    // Sequentially consistent, together with the writer's announcement that it goes to sleep: one of both sees the
    // other.
    written_.store(start + needed, std::memory_order_seq_cst);
    return true;
  }

  // Producer: so much is waiting to be read that the consumer should not put it off. A quarter leaves the consumer's
  // thread some time to get the processor on a busy machine.
  bool filling() const noexcept {
    return written_.load(std::memory_order_relaxed) - read_.load(std::memory_order_acquire) > capacity_ / 4;
  }

  // Consumer: calls take(const LogRecord&) for each record that was there at the call, the oldest first. The text is
  // valid during the call. Returns how many there were.
  template <class Take>
  std::size_t drain(Take&& take) {
    const std::uint64_t end = written_.load(std::memory_order_acquire);
    std::uint64_t at = read_.load(std::memory_order_relaxed);
    std::size_t taken = 0;
    while (at != end) {
      Header header;
      std::memcpy(&header, place(at), sizeof header);
      if (header.size == skip_mark) {
        at += capacity_ - (at & (capacity_ - 1));
        continue;
      }
      const char* text = reinterpret_cast<const char*>(place(at) + sizeof(Header));
      take(LogRecord{header.level, WallTime{header.time}, std::string_view(text, header.size)});
      at += record_bytes(header.size);
      ++taken;
      read_.store(at, std::memory_order_release);
    }
    return taken;
  }

  // Consumer.
  bool empty() const noexcept {
    return written_.load(std::memory_order_seq_cst) == read_.load(std::memory_order_relaxed);
  }

  // Any thread: records lost so far.
  std::uint64_t dropped() const noexcept { return dropped_.load(std::memory_order_relaxed); }
  std::size_t capacity() const noexcept { return capacity_; }

 private:
  struct Header {
    std::uint32_t size;  // of the text, or skip_mark
    Level level;
    std::int64_t time;
  };
  static_assert(sizeof(Header) == 16);
  static constexpr std::uint32_t skip_mark = UINT32_MAX;

  // Records start at multiples of the header's size, so that a header always fits before the end.
  static constexpr std::size_t record_bytes(std::size_t text) noexcept {
    return (sizeof(Header) + text + 15) / 16 * 16;
  }
  std::byte* place(std::uint64_t at) const noexcept { return bytes_.get() + (at & (capacity_ - 1)); }
  void write_header(std::uint64_t at, const Header& header) noexcept { std::memcpy(place(at), &header, sizeof header); }

  bool has_room(std::uint64_t at, std::size_t wanted) noexcept {
    if (at + wanted - known_read_ <= capacity_) return true;
    known_read_ = read_.load(std::memory_order_acquire);
    return at + wanted - known_read_ <= capacity_;
  }

  std::size_t capacity_;
  std::unique_ptr<std::byte[]> bytes_;
  // Both positions only grow. Each side writes its own cache line.
  alignas(64) std::atomic<std::uint64_t> written_{0};
  std::uint64_t known_read_ = 0;  // producer's: how far the consumer was when it last looked
  std::atomic<std::uint64_t> dropped_{0};
  alignas(64) std::atomic<std::uint64_t> read_{0};
};

}  // namespace weir
