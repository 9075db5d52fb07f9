#pragma once
// Ledger: what was to happen in one simulated run and what did, exchange by exchange. Client and origin share it as the
// oracle: each checks its own end against the plan. It owns the exchanges; the actors point into it. One thread.

#include <cstdint>
#include <deque>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/rng.hpp"
#include "core/base/time.hpp"

namespace weir::sim {

enum class BodyKind : std::uint8_t { none, length, chunked, chunked_trailers, until_close };

// What the origin does wrong.
enum class Misdeed : std::uint8_t {
  none,
  dies_before_head,
  dies_in_head,
  dies_in_body,
  garbage,         // something that is no response
  bad_length,      // two lengths that differ
  both_framings,   // a length and chunked
  bad_chunk,       // a chunk size that is none
  extra_response,  // a second response behind the first (which is one with a length) that was not requested
  unasked,         // bytes behind a whole response, sooner or later, that are no response
  stalls,          // never answers
};

// Bytes of a body are a pure function of the exchange and the direction.
enum class Side : std::uint8_t { request, response };
inline char body_byte(std::uint64_t id, Side side, std::uint64_t at) noexcept {
  const std::uint64_t key = (id * 2 + static_cast<std::uint64_t>(side)) * 0x9E3779B97F4A7C15;
  return static_cast<char>((key >> (at % 8 * 8)) ^ (at * 131) ^ (at >> 7));
}
std::string body_part(std::uint64_t id, Side side, std::uint64_t from, std::uint64_t size);

enum class Outcome : std::uint8_t {
  unsent,    // the client never got to it
  complete,  // the origin's answer arrived whole
  refused,   // the proxy answered by itself
  cut,       // the client saw that it failed: an error, or an end in the middle
  aborted,   // the client gave up on purpose
};

struct PlannedExchange {
  std::uint64_t id = 0;
  // the request
  std::string method = "GET";
  std::uint64_t request_length = 0;
  BodyKind request_body = BodyKind::none;
  bool expects_continue = false;
  bool http_1_0 = false;
  bool closes = false;                     // Connection: close
  std::uint64_t abort_after = UINT64_MAX;  // the client leaves after so many bytes of the response
  bool abort_upload = false;               // or in the middle of its own body
  // the answer
  std::uint16_t status = 200;
  std::uint64_t response_length = 0;
  BodyKind response_body = BodyKind::length;
  int informational = 0;       // 103 responses before
  bool early = false;          // answered before the request's body was read
  bool origin_closes = false;  // says Connection: close
  Misdeed misdeed = Misdeed::none;
  Duration think{0};
  // what came of it
  Outcome outcome = Outcome::unsent;
  std::uint16_t seen_status = 0;
  int sent = 0;            // times the client sent it
  TimePoint first_sent{};  // when its head was first handed to the system
  TimePoint ended{};       // when the client knew what came of it
  int arrived = 0;         // times its head arrived at an origin
  int arrived_fresh = 0;   // of them, as the first of a connection
  int arrived_whole = 0;

  bool idempotent() const noexcept { return method != "POST"; }
  bool is_simple() const noexcept { return idempotent() && request_body == BodyKind::none && !http_1_0; }
  bool has_response_body() const noexcept { return method != "HEAD" && status != 204 && status != 304; }
};

// What a run draws its exchanges from.
struct Mix {
  bool misdeeds = false;  // of origins
  bool aborts = false;    // of clients
  bool uploads = true;
  bool early = true;  // answers before the request's body was read
  bool only_idempotent = false;
  bool extra_responses = false;  // where one can be told from the next answer: see Ledger::draw
  std::uint64_t max_body = 40'000;
};

class Ledger {
 public:
  explicit Ledger(std::uint64_t seed) noexcept : rng_(seed) {}

  PlannedExchange& add() {
    PlannedExchange& exchange = exchanges_.emplace_back();
    exchange.id = exchanges_.size();
    return exchange;
  }
  PlannedExchange& draw(const Mix& mix);
  PlannedExchange* find(std::uint64_t id) noexcept {
    return id == 0 || id > exchanges_.size() ? nullptr : &exchanges_[id - 1];
  }
  std::deque<PlannedExchange>& exchanges() noexcept { return exchanges_; }

  // A broken promise, in words; the run goes on.
  void violation(std::uint64_t id, std::string_view what);
  const std::vector<std::string>& violations() const noexcept { return violations_; }
  std::size_t count(Outcome outcome) const noexcept;

  // After a run: what must hold of every exchange; all of them complete if nothing could go wrong.
  void check_end(bool everything_succeeds);

  std::uint64_t wasted_responses = 0;  // answers that an origin could not deliver

 private:
  Rng rng_;
  std::deque<PlannedExchange> exchanges_;
  std::vector<std::string> violations_;
};

}  // namespace weir::sim
