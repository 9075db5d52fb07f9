#pragma once
// Wire: one end of a simulated connection, with HTTP/1.1 message parts read in the simplest possible way, on purpose
// without any of the product's net or http code, so that it can disagree with it. Owns its handle. Its owner joins
// whatever reads and writes before it is closed. One thread.

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/base/rng.hpp"
#include "core/coro/task.hpp"
#include "core/reactor/reactor.hpp"
#include "tests/sim/ledger.hpp"

namespace weir::sim {

// A message head as text; names are lower case.
struct TextHead {
  std::string first_line;
  std::vector<std::pair<std::string, std::string>> fields;

  std::size_t count(std::string_view name) const noexcept;
  std::string_view value(std::string_view name) const noexcept;  // of the first; empty if there is none
  bool has_token(std::string_view name, std::string_view token) const noexcept;
  std::uint64_t number(std::string_view name) const noexcept;  // UINT64_MAX if it is none
};

enum class Got : std::uint8_t {
  whole,
  closed,  // the stream ended before the first byte of it
  cut,     // ended in the middle
  broken,  // an error, or we gave up
  malformed,
  stopped,  // as far as BodyCheck::stop_at wanted it
};

// Takes the bytes of a body and compares them with what they should be.
struct BodyCheck {
  std::uint64_t id;
  Side side;
  std::uint64_t received = 0;
  bool wrong = false;
  bool ignore = false;  // a body that no origin made: only its framing counts
  std::uint64_t stop_at = UINT64_MAX;

  void take(std::string_view bytes) noexcept {
    for (const char c : bytes) wrong |= !ignore && c != body_byte(id, side, received++);
    if (ignore) received += bytes.size();
  }
  bool stopped() const noexcept { return received >= stop_at; }
};

class Wire {
 public:
  Wire(Reactor& reactor, std::uint64_t seed) noexcept : reactor_(reactor), rng_(seed), handle_(own_) {}
  Wire(Reactor& reactor, std::uint64_t seed, Handle& accepted) noexcept
      : reactor_(reactor), rng_(seed), handle_(accepted), last_progress_(reactor.now()) {}
  Wire(const Wire&) = delete;
  Wire& operator=(const Wire&) = delete;

  Reactor& reactor() noexcept { return reactor_; }
  Handle& handle() noexcept { return handle_; }
  Rng& rng() noexcept { return rng_; }
  Error open(const Address& to);
  Task<Error> connect(const Address& to);

  // Pauses between calls, for slow peers: up to this long, every now and then. And how much is asked for at once.
  Duration pause{0};
  std::size_t read_size = 4096;
  std::size_t write_size = SIZE_MAX;
  bool wants_abort = false;  // for its owner's use: close with a reset

  Task<bool> write(std::string_view text);  // false: the connection is broken or was given up
  // From hold() on what is written is only collected; let_go() writes all of it in one piece.
  void hold() noexcept { holds_ = true; }
  Task<bool> let_go();
  void end_output() noexcept { reactor_.backend().shutdown(handle_, Direction::out); }
  Task<bool> fill();                        // reads some bytes into the buffer; false: end, or as above
  Task<Got> read_head(TextHead& head);
  Task<Got> read_body(BodyKind kind, std::uint64_t length, BodyCheck& check);
  Task<bool> sleep(Duration span);

  // Sends a body in pieces of random size. `stop_at` ends it early.
  Task<bool> write_body(BodyKind kind, std::uint64_t id, Side side, std::uint64_t length, std::uint64_t stop_at);

  void forget() noexcept { buffer_.clear(); }  // what was received and not read
  void touch() noexcept { last_progress_ = reactor_.now(); }
  std::string_view buffered() const noexcept { return buffer_; }
  bool broken() const noexcept { return broken_; }
  bool ended() const noexcept { return ended_; }
  bool given_up() const noexcept { return given_up_; }

  // Ends what is in flight; reads and writes fail from now on.
  void give_up() noexcept;
  void close(bool abort) noexcept;  // precondition: nothing in flight
  TimePoint last_progress() const noexcept { return last_progress_; }

 private:
  Task<Got> read_line(std::string& line);
  Task<Got> read_some(std::uint64_t size, BodyCheck& check);
  Task<Got> read_chunks(BodyCheck& check);

  Reactor& reactor_;
  Rng rng_;
  Handle own_;
  Handle& handle_;
  std::string buffer_;
  std::string held_;  // to be written
  bool holds_ = false;
  Op* reading_ = nullptr;
  Op* writing_ = nullptr;
  bool broken_ = false, ended_ = false;
  bool given_up_ = false;
  TimePoint last_progress_{};
  CancelSource cancel_;
};

// Gives the wire up when nothing moved for that long; ends when the token is cancelled.
Task<void> watch(Wire& wire, Duration patience, CancelToken token);

}  // namespace weir::sim
