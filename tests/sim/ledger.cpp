#include "tests/sim/ledger.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace weir::sim {
namespace {

std::uint64_t draw_length(Rng& rng, std::uint64_t most) {
  switch (rng.below(4)) {
    case 0: return rng.below(4);
    case 1: return rng.below(300);
    case 2: return std::min<std::uint64_t>(most, 32'000 + rng.below(1'000));  // around the size of a buffer
    default: return rng.below(most + 1);
  }
}

// Not extra_response: one that arrives when the next request is under way cannot be told from its answer at all. It
// is drawn where nothing comes between it and the response before it: Mix::extra_responses.
constexpr std::array misdeeds{Misdeed::dies_before_head, Misdeed::dies_in_head, Misdeed::dies_in_body,
                              Misdeed::garbage,          Misdeed::bad_length,   Misdeed::both_framings,
                              Misdeed::bad_chunk,        Misdeed::stalls,       Misdeed::unasked};
constexpr std::uint64_t max_with_extra = 20'000;  // bytes of a response that goes out in one segment with the extra one

std::string_view word(BodyKind kind) noexcept {
  switch (kind) {
    case BodyKind::none: return "no body";
    case BodyKind::length: return "length";
    case BodyKind::chunked: return "chunked";
    case BodyKind::chunked_trailers: return "chunked with trailers";
    case BodyKind::until_close: return "until close";
  }
  return {};
}

}  // namespace

std::string body_part(std::uint64_t id, Side side, std::uint64_t from, std::uint64_t size) {
  std::string part(size, '\0');
  for (std::uint64_t i = 0; i < size; ++i) part[i] = body_byte(id, side, from + i);
  return part;
}

PlannedExchange& Ledger::draw(const Mix& mix) {
  PlannedExchange& exchange = add();
  Rng& rng = rng_;
  static constexpr std::array<const char*, 6> methods{"GET", "GET", "HEAD", "POST", "PUT", "DELETE"};
  exchange.method = methods[rng.below(methods.size())];
  if (mix.only_idempotent) exchange.method = rng.chance(0.8) ? "GET" : "HEAD";
  if (mix.uploads && !mix.only_idempotent && (exchange.method == "POST" || exchange.method == "PUT")) {
    exchange.request_body = rng.chance(0.5) ? BodyKind::length : BodyKind::chunked;
    if (exchange.request_body == BodyKind::chunked && rng.chance(0.2)) {
      exchange.request_body = BodyKind::chunked_trailers;
    }
    exchange.request_length = draw_length(rng, mix.max_body);
    exchange.expects_continue = rng.chance(0.25);
    // Who answers before it read the body and was asked to say whether it wants it, does not want it: it closes.
    exchange.early = mix.early && rng.chance(0.15) && (mix.misdeeds || !exchange.expects_continue);
  }
  exchange.http_1_0 = exchange.request_body == BodyKind::none && rng.chance(0.1);
  exchange.closes = rng.chance(0.1);
  exchange.response_length = draw_length(rng, mix.max_body);
  static constexpr std::array<BodyKind, 5> kinds{BodyKind::length, BodyKind::length, BodyKind::chunked,
                                                 BodyKind::chunked_trailers, BodyKind::until_close};
  exchange.response_body = kinds[rng.below(kinds.size())];
  static constexpr std::array<std::uint16_t, 8> statuses{200, 200, 200, 200, 201, 204, 304, 404};
  exchange.status = statuses[rng.below(statuses.size())];
  if (rng.chance(0.1)) exchange.informational = static_cast<int>(1 + rng.below(2));
  exchange.origin_closes = exchange.response_body == BodyKind::until_close || rng.chance(0.1);
  if (rng.chance(0.3)) exchange.think = Duration{static_cast<std::int64_t>(rng.below(20'000'000))};
  if (mix.misdeeds && rng.chance(0.15)) exchange.misdeed = misdeeds[rng.below(misdeeds.size())];
  if (mix.extra_responses && rng.chance(0.2)) {
    exchange.misdeed = Misdeed::extra_response;
    exchange.response_body = BodyKind::length;
    exchange.response_length = std::min(exchange.response_length, max_with_extra);
    exchange.origin_closes = exchange.early = false;
  }
  if (mix.aborts && rng.chance(0.1)) {
    if (exchange.request_length > 0 && rng.chance(0.5)) {
      exchange.abort_upload = true;
    } else {
      exchange.abort_after = rng.below(exchange.response_length + 200);
    }
  }
  return exchange;
}

void Ledger::violation(std::uint64_t id, std::string_view what) {
  const PlannedExchange* exchange = find(id);
  std::string who = "the run";
  if (exchange) {
    who = fmt::format(
        "exchange {} ({}{} {} {}{}{}, answer {} {} {}{}{}, misdeed {}, sent {}, arrived {}/{}, took {} ms)", id,
        exchange->method, exchange->http_1_0 ? " 1.0" : "", exchange->request_length, word(exchange->request_body),
        exchange->expects_continue ? " expects" : "", exchange->closes ? " closes" : "", exchange->status,
        exchange->response_length, word(exchange->response_body), exchange->early ? " early" : "",
        exchange->origin_closes ? " closes" : "", int(exchange->misdeed), exchange->sent, exchange->arrived,
        exchange->arrived_whole, (exchange->ended - exchange->first_sent).count() / 1'000'000);
  }
  violations_.push_back(fmt::format("{}: {}", who, what));
}

std::size_t Ledger::count(Outcome outcome) const noexcept {
  return static_cast<std::size_t>(
      std::count_if(exchanges_.begin(), exchanges_.end(), [&](const auto& e) { return e.outcome == outcome; }));
}

void Ledger::check_end(bool everything_succeeds) {
  for (const PlannedExchange& exchange : exchanges_) {
    if (everything_succeeds && exchange.outcome != Outcome::complete) {
      violation(exchange.id, fmt::format("did not succeed although nothing went wrong: outcome {}, status {}",
                                         int(exchange.outcome), exchange.seen_status));
    }
    // Clients send one of these again only when they know that it was not started.
    if (!exchange.idempotent() && exchange.arrived > 1) violation(exchange.id, "not idempotent, and arrived twice");
    // Only a kept connection excuses another try, and that one is made on a fresh connection.
    if (exchange.arrived_fresh > exchange.sent) violation(exchange.id, "arrived on two fresh connections");
    if (exchange.arrived - exchange.arrived_fresh > exchange.sent) {
      violation(exchange.id, "arrived on two kept connections");
    }
    if (exchange.outcome == Outcome::complete && exchange.arrived == 0) {
      violation(exchange.id, "answered by an origin that never got it");
    }
  }
}

}  // namespace weir::sim
