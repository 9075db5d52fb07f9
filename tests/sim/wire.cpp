#include "tests/sim/wire.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "core/reactor/awaitables.hpp"

namespace weir::sim {
namespace {

constexpr std::size_t max_head = 64 * 1024;

std::string lower(std::string_view text) {
  std::string result(text);
  for (char& c : result) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + 32);
  }
  return result;
}

std::string_view trim(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

std::uint64_t parse_number(std::string_view text, unsigned base) {
  if (text.empty() || text.size() > 15) return UINT64_MAX;
  std::uint64_t value = 0;
  for (const char c : text) {
    unsigned digit = base;
    if (c >= '0' && c <= '9') digit = static_cast<unsigned>(c - '0');
    if (c >= 'a' && c <= 'f') digit = static_cast<unsigned>(c - 'a' + 10);
    if (c >= 'A' && c <= 'F') digit = static_cast<unsigned>(c - 'A' + 10);
    if (digit >= base) return UINT64_MAX;
    value = value * base + digit;
  }
  return value;
}

}  // namespace

// --- heads ---

std::size_t TextHead::count(std::string_view name) const noexcept {
  return static_cast<std::size_t>(
      std::count_if(fields.begin(), fields.end(), [&](const auto& field) { return field.first == name; }));
}

std::string_view TextHead::value(std::string_view name) const noexcept {
  for (const auto& field : fields) {
    if (field.first == name) return field.second;
  }
  return {};
}

bool TextHead::has_token(std::string_view name, std::string_view token) const noexcept {
  for (const auto& field : fields) {
    if (field.first != name) continue;
    std::string_view rest = field.second;
    while (!rest.empty()) {
      const std::size_t comma = std::min(rest.find(','), rest.size());
      if (lower(trim(rest.substr(0, comma))) == token) return true;
      rest.remove_prefix(std::min(rest.size(), comma + 1));
    }
  }
  return false;
}

std::uint64_t TextHead::number(std::string_view name) const noexcept { return parse_number(value(name), 10); }

// --- connecting and closing ---

Error Wire::open(const Address& to) {
  OpenSpec spec;
  spec.address = to;
  if (const Error error = reactor_.backend().open(handle_, spec)) return error;
  if (const Error error = reactor_.backend().attach(handle_)) {
    reactor_.backend().close(handle_);
    return error;
  }
  last_progress_ = reactor_.now();
  return {};
}

Task<Error> Wire::connect(const Address& to) {
  Connect connecting(reactor_, handle_, to);
  if (broken_) co_return Errc::cancelled;
  writing_ = &connecting.op();
  last_progress_ = reactor_.now();
  auto connected = co_await connecting;
  writing_ = nullptr;
  if (!connected) broken_ = true;
  Error error = connected ? Error{} : connected.error();
  co_return error;
}

void Wire::give_up() noexcept {
  given_up_ = true;
  broken_ = true;
  if (reading_) reactor_.cancel(*reading_);
  if (writing_) reactor_.cancel(*writing_);
  cancel_.cancel();
}

void Wire::close(bool abort) noexcept {
  if (!handle_.is_open()) return;
  if (abort) reactor_.backend().abort_on_close(handle_);
  reactor_.backend().close(handle_);
}

// --- bytes ---

Task<bool> Wire::sleep(Duration span) {
  const TimePoint deadline = reactor_.now() + span;
  const CancelToken token = cancel_.token();
  SleepUntil sleeping(reactor_, deadline, token);
  const bool slept = co_await sleeping;
  if (slept) WEIR_VERIFY(reactor_.clock() >= deadline);  // a timer never fires early
  co_return slept;
}

Task<bool> Wire::let_go() {
  holds_ = false;
  const std::string text = std::move(held_);
  held_.clear();
  const bool sent = co_await write(text);
  co_return sent;
}

Task<bool> Wire::write(std::string_view text) {
  if (holds_) {
    held_ += text;
    co_return !broken_;
  }
  std::size_t sent = 0;
  while (sent < text.size()) {
    if (pause.count() > 0 && rng_.chance(0.3)) {
      const Duration nap{static_cast<std::int64_t>(rng_.below(static_cast<std::uint64_t>(pause.count())))};
      const bool slept = co_await sleep(nap);
      if (!slept) co_return false;
    }
    if (broken_) co_return false;
    IoSlice slice(text.data() + sent, std::min(write_size, text.size() - sent));
    Send sending(reactor_, handle_, &slice, 1);
    writing_ = &sending.op();
    auto moved = co_await sending;
    writing_ = nullptr;
    if (!moved) {
      broken_ = true;
      co_return false;
    }
    sent += *moved;
    last_progress_ = reactor_.now();
  }
  co_return !broken_;
}

Task<bool> Wire::fill() {
  if (pause.count() > 0 && rng_.chance(0.3)) {
    const Duration nap{static_cast<std::int64_t>(rng_.below(static_cast<std::uint64_t>(pause.count())))};
    const bool slept = co_await sleep(nap);
    if (!slept) co_return false;
  }
  // A write that failed does not make received bytes worthless, giving up does.
  if (given_up_ || ended_) co_return false;
  std::array<char, 16384> memory;
  Recv receiving(reactor_, handle_, memory.data(), std::min(read_size, memory.size()));
  reading_ = &receiving.op();
  auto moved = co_await receiving;
  reading_ = nullptr;
  if (!moved) {
    broken_ = true;
    ended_ = true;
    co_return false;
  }
  if (*moved == 0) {
    ended_ = true;
    co_return false;
  }
  last_progress_ = reactor_.now();
  buffer_.append(memory.data(), *moved);
  co_return true;
}

Task<Got> Wire::read_line(std::string& line) {
  for (;;) {
    const std::size_t end = buffer_.find('\n');
    if (end != std::string::npos) {
      if (end == 0 || buffer_[end - 1] != '\r') co_return Got::malformed;
      line = buffer_.substr(0, end - 1);
      buffer_.erase(0, end + 1);
      co_return line.find('\r') == std::string::npos ? Got::whole : Got::malformed;
    }
    if (buffer_.size() > max_head) co_return Got::malformed;
    const bool more = co_await fill();
    // An end of the stream after an error of the other direction proves nothing about completeness.
    if (!more) co_return broken_ ? Got::broken : buffer_.empty() ? Got::closed : Got::cut;
  }
}

Task<Got> Wire::read_head(TextHead& head) {
  head = {};
  Got got = co_await read_line(head.first_line);
  if (got != Got::whole) co_return got;
  std::string line;
  for (;;) {
    got = co_await read_line(line);
    if (got == Got::closed) got = Got::cut;
    if (got != Got::whole) co_return got;
    if (line.empty()) co_return Got::whole;
    const std::size_t colon = line.find(':');
    if (colon == 0 || colon == std::string::npos || line[0] == ' ') co_return Got::malformed;
    const std::string name = lower(line.substr(0, colon));
    if (name.find_first_of(" \t") != std::string::npos) co_return Got::malformed;
    head.fields.emplace_back(name, std::string(trim(std::string_view(line).substr(colon + 1))));
  }
}

Task<Got> Wire::read_some(std::uint64_t size, BodyCheck& check) {
  std::uint64_t left = size;
  while (left > 0) {
    if (buffer_.empty()) {
      const bool more = co_await fill();
      if (!more) co_return broken_ ? Got::broken : Got::cut;
    }
    const auto part = static_cast<std::size_t>(std::min<std::uint64_t>(left, buffer_.size()));
    check.take(std::string_view(buffer_).substr(0, part));
    buffer_.erase(0, part);
    left -= part;
    if (check.stopped()) co_return Got::stopped;
  }
  co_return Got::whole;
}

Task<Got> Wire::read_chunks(BodyCheck& check) {
  std::string line;
  for (;;) {
    Got got = co_await read_line(line);
    if (got == Got::closed) got = Got::cut;
    if (got != Got::whole) co_return got;
    const std::uint64_t size = parse_number(std::string_view(line).substr(0, line.find(';')), 16);
    if (size == UINT64_MAX) co_return Got::malformed;
    if (size == 0) break;
    got = co_await read_some(size, check);
    if (got != Got::whole) co_return got;
    got = co_await read_line(line);
    if (got == Got::closed) got = Got::cut;
    if (got != Got::whole) co_return got;
    if (!line.empty()) co_return Got::malformed;
  }
  for (;;) {  // trailers
    Got got = co_await read_line(line);
    if (got == Got::closed) got = Got::cut;
    if (got != Got::whole) co_return got;
    if (line.empty()) co_return Got::whole;
    if (line.find(':') == std::string::npos) co_return Got::malformed;
  }
}

Task<Got> Wire::read_body(BodyKind kind, std::uint64_t length, BodyCheck& check) {
  Got got = Got::whole;
  switch (kind) {
    case BodyKind::none: break;
    case BodyKind::length: got = co_await read_some(length, check); break;
    case BodyKind::chunked:
    case BodyKind::chunked_trailers: got = co_await read_chunks(check); break;
    case BodyKind::until_close:
      for (;;) {
        check.take(buffer_);
        buffer_.clear();
        if (check.stopped()) co_return Got::stopped;
        const bool more = co_await fill();
        if (!more) break;
      }
      if (broken_) got = Got::broken;
      break;
  }
  co_return got;
}

Task<bool> Wire::write_body(BodyKind kind, std::uint64_t id, Side side, std::uint64_t length, std::uint64_t stop_at) {
  const bool chunked = kind == BodyKind::chunked || kind == BodyKind::chunked_trailers;
  std::uint64_t at = 0;
  const std::uint64_t end = std::min(length, stop_at);
  std::string piece;
  while (at < end) {
    const std::uint64_t size = std::min(end - at, 1 + rng_.below(rng_.chance(0.3) ? 40 : 20'000));
    piece = body_part(id, side, at, size);
    if (chunked) piece = fmt::format("{:x}{}\r\n", size, rng_.chance(0.1) ? ";note=1" : "") + piece + "\r\n";
    const bool sent = co_await write(piece);
    if (!sent) co_return false;
    at += size;
  }
  if (!chunked || end < length || stop_at < length) co_return true;
  piece = kind == BodyKind::chunked_trailers ? "0\r\nX-Check: done\r\n\r\n" : "0\r\n\r\n";
  const bool sent = co_await write(piece);
  co_return sent;
}

Task<void> watch(Wire& wire, Duration patience, CancelToken token) {
  Reactor& reactor = wire.reactor();
  for (;;) {
    const TimePoint deadline = wire.last_progress() + patience;
    if (reactor.now() >= deadline) {
      wire.give_up();
      co_return;
    }
    SleepUntil sleeping(reactor, deadline, token);
    const bool slept = co_await sleeping;
    if (!slept) co_return;
  }
}

}  // namespace weir::sim
