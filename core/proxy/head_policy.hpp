#pragma once
// Decides what a received head becomes when it is passed on: which lines go on, which are dropped, which are added, in
// one order for every protocol. Hop-by-hop fields go (RFC 9110 section 7.6.1, also what Connection names), forwarding
// claims are continued or, from peers that are not trusted, replaced; a route's edits come last. How lines are written
// is the sink's business (head_sink.hpp), as are start line, framing and Connection. Pure; one head, on its exchange's
// thread; nothing is allocated.

#include <array>
#include <charconv>
#include <cstdint>
#include <optional>
#include <string_view>

#include "core/http/grammar.hpp"
#include "core/http/head.hpp"
#include "core/proxy/forwarding.hpp"
#include "core/proxy/forwarding_lines.hpp"
#include "core/proxy/head_sink.hpp"
#include "core/proxy/header_edits.hpp"

namespace weir::proxy {

// Whether one of the list's elements is that word, ignoring case.
bool has_token(std::string_view list, std::string_view wanted) noexcept;

// Whether a name that weir has no id for claims something about the way a request came that an upstream may believe.
bool is_forwarding_claim(std::string_view name) noexcept;

// Whether a name, with its underscores read as hyphens, is a forwarding claim. CGI and what follows it does not tell
// the two apart; weir writes hyphens, so no such line is weir's or a proxy's.
bool is_disguised_claim(std::string_view name) noexcept;

// Cheaply, for names that begin with an x: whether one of the two can be so. X-Forwarded-..., X-Real-IP, X-Request-ID.
constexpr bool may_be_claim(std::string_view name) noexcept {
  return name.size() > 8 && ((name[2] | 0x20) == 'f' || (name[2] | 0x20) == 'r');
}

// Whether the upgrade that the client asks for can be passed on. HTTP/2 and later would carry requests past the routes,
// which do not see into a tunnel: no member of any Upgrade line may name it (RFC 9110 section 7.8).
bool names_passable_upgrade(const http::RequestHead& head) noexcept;
inline bool upgrade_may_pass(const http::RequestHead& head) noexcept {
  return head.connection_upgrade && names_passable_upgrade(head);
}

// How many times a TRACE or OPTIONS request may still be forwarded (RFC 9110 section 7.6.2): the least of its valid
// Max-Forwards values. At 0 weir answers it itself. None: no limit, or a method that has none.
std::optional<std::uint64_t> least_max_forwards(const http::RequestHead& head) noexcept;
inline std::optional<std::uint64_t> max_forwards(const http::RequestHead& head) noexcept {
  const bool counts = head.method == http::Method::trace || head.method == http::Method::options;
  return counts ? least_max_forwards(head) : std::nullopt;
}

// The version of the message that Via tells of.
template <HeadSink Sink>
void add_via(const http::Head& head, Sink& sink) noexcept {
  constexpr FixedLine via_1_0("Via: 1.0 weir\r\n"), via_1_1("Via: 1.1 weir\r\n");
  sink.line(head.minor_version == 0 ? via_1_0 : via_1_1);
}

// What the upstream gets as the request's host, and whether that is something else than the received Host line says.
struct HostChoice {
  std::string_view host;
  bool replaces = false;
};
inline HostChoice choose_host(const ForwardRequest& request, const HeaderEdits& edits) noexcept {
  const http::RequestHead& head = *request.head;
  const std::string_view given = request.host.empty() ? edits.host() : request.host;
  if (!given.empty()) return {given, true};
  const http::Field* received = head.find(http::FieldId::host);
  const bool differs =
      !received || (head.form == http::TargetForm::absolute && head.value(*received) != head.authority);
  return {head.authority, differs};
}

template <class Sink>
class RequestPolicy {
 public:
  explicit RequestPolicy(const ForwardRequest& request, Sink& sink) noexcept
      : request_(request), head_(*request.head), sink_(sink), edits_(request.edits), hops_left_(max_forwards(head_)) {
    static_assert(HeadSink<Sink>);
  }
  const HeaderEdits& edits() const noexcept { return edits_; }

  // First: what happens to the received lines.
  void sift() noexcept {
    for (std::uint16_t i = 0; i < head_.field_count; ++i) {
      const http::Field& field = head_.fields[i];
      passes(field) ? sink_.pass(field) : sink_.drop(field);
    }
  }
  // Then: what is added to them.
  void add() noexcept {
    const Forwarding& rules = *request_.rules;
    ForwardingLines<Sink> lines(request_, edits_, seen_, sink_);
    if (rules.x_forwarded) lines.add_x_forwarded();
    if (rules.forwarded) lines.add_forwarded();
    if (rules.via_upstream && !edits_.take_out("Via")) add_via(head_, sink_);
    if (!request_.request_id.empty() && !edits_.take_out("X-Request-ID"))
      sink_.line(LineName("X-Request-ID: "), request_.request_id);
    edits_.each_line([this](std::string_view name, std::string_view value) noexcept { sink_.line(name, value); });
    if (hops_left_) add_max_forwards();
    if (te_trailers_) sink_.line(FixedLine("TE: trailers\r\n"));
  }
  // Known after sift(): a TE line is added, which HTTP/1 names in Connection.
  bool adds_te() const noexcept { return te_trailers_; }

 private:
  bool passes(const http::Field& field) noexcept;
  bool passes_claim(const http::Field& field) noexcept;
  bool is_withheld(std::string_view name) const noexcept;
  void add_max_forwards() noexcept {
    std::array<char, 20> digits;
    const std::uint64_t left = *hops_left_ > 0 ? *hops_left_ - 1 : 0;
    const char* end = std::to_chars(digits.data(), digits.data() + digits.size(), left).ptr;
    sink_.line(LineName("Max-Forwards: "), {digits.data(), static_cast<std::size_t>(end - digits.data())});
  }

  const ForwardRequest& request_;
  const http::RequestHead& head_;
  Sink& sink_;
  HeaderEdits edits_;
  std::optional<std::uint64_t> hops_left_;
  bool te_trailers_ = false;
  SeenClaims seen_;
};

template <class Sink>
bool RequestPolicy<Sink>::passes_claim(const http::Field& field) noexcept {
  if (!request_.client_trusted) return false;
  seen_.add(field.id);
  if (edits_.take_out(head_.name(field))) return false;
  switch (field.id) {
    case http::FieldId::x_forwarded_for:  // written as one line
      return !request_.rules->x_forwarded || !has_ip_client(request_);
    case http::FieldId::forwarded: return !request_.rules->forwarded;
    case http::FieldId::x_request_id: return request_.request_id.empty();
    default: return true;
  }
}

template <class Sink>
bool RequestPolicy<Sink>::passes(const http::Field& field) noexcept {
  using http::FieldId;
  switch (field.id) {
    case FieldId::connection:
    case FieldId::keep_alive:
    case FieldId::proxy_connection:
    case FieldId::proxy_authorization: return false;
    case FieldId::te: te_trailers_ |= has_token(head_.value(field), "trailers"); return false;
    case FieldId::authorization:  // an origin would send it back in its answer to TRACE (RFC 9110 section 9.3.8)
      if (head_.method == http::Method::trace) return false;
      break;
    case FieldId::content_length:
    case FieldId::trailer:
    case FieldId::transfer_encoding: return sink_.keeps_framing(field);
    case FieldId::upgrade: return request_.upgrade;
    case FieldId::host: return sink_.keeps_host();
    case FieldId::forwarded:
    case FieldId::x_forwarded_for:
    case FieldId::x_forwarded_host:
    case FieldId::x_forwarded_proto:
    case FieldId::x_real_ip:
    case FieldId::x_request_id: return passes_claim(field);
    default: break;
  }
  if (field.named_by_connection) return false;
  const std::string_view name = head_.name(field);
  if (field.id == FieldId::other && is_withheld(name)) return false;
  return !edits_.take_out(field.id, name);
}

// Fields without an id that do not go on: what belongs to an upgrade that never passes, further credentials that TRACE
// would show, claims. A name is never empty.
template <class Sink>
bool RequestPolicy<Sink>::is_withheld(std::string_view name) const noexcept {
  switch (name[0] | 0x20) {
    case 'h': return http::equal_ignoring_case(name, "HTTP2-Settings");
    case 'c': return head_.method == http::Method::trace && http::equal_ignoring_case(name, "Cookie");
    case 'm': return hops_left_ && http::equal_ignoring_case(name, "Max-Forwards");  // written as one line
    case 'x':
      return may_be_claim(name) &&
             (is_disguised_claim(name) || (!request_.client_trusted && is_forwarding_claim(name)));
    default: return false;
  }
}

template <class Sink>
class ResponsePolicy {
 public:
  explicit ResponsePolicy(const ForwardResponse& response, Sink& sink) noexcept
      : response_(response),
        head_(*response.head),
        sink_(sink),
        // An interim response is about the connection or in advance: the final one is what a route edits.
        edits_(head_.status >= 200 || head_.status == 101 ? response.edits : std::span<const AppliedEdit>{}) {
    static_assert(HeadSink<Sink>);
  }

  // First: what happens to the received lines.
  void sift() noexcept {
    for (std::uint16_t i = 0; i < head_.field_count; ++i) {
      const http::Field& field = head_.fields[i];
      passes(field) ? sink_.pass(field) : sink_.drop(field);
    }
  }
  // Then: what is added to them.
  void add() noexcept {
    if (lacks_date() && !edits_.take_out("Date")) sink_.line(LineName("Date: "), response_.date);
    if (response_.rules->via && !edits_.take_out("Via")) add_via(head_, sink_);
    if (!response_.request_id.empty() && !edits_.take_out("X-Request-ID"))
      sink_.line(LineName("X-Request-ID: "), response_.request_id);
    edits_.each_line([this](std::string_view name, std::string_view value) noexcept { sink_.line(name, value); });
  }

 private:
  bool passes(const http::Field& field) noexcept {
    using http::FieldId;
    switch (field.id) {
      case FieldId::connection:
      case FieldId::keep_alive:
      case FieldId::proxy_authenticate:
      case FieldId::proxy_connection:
      case FieldId::te: return false;
      case FieldId::content_length:
      case FieldId::transfer_encoding:
      case FieldId::trailer: return sink_.keeps_framing(field);
      case FieldId::upgrade: return response_.upgrade;
      case FieldId::x_request_id:
        if (!response_.request_id.empty()) return false;
        break;
      case FieldId::date: has_date_ = true; break;
      default: break;
    }
    return !field.named_by_connection && !edits_.take_out(field.id, head_.name(field));
  }

  // A final response without the time it was made gets the time it came (RFC 9110 section 6.6.1).
  bool lacks_date() const noexcept { return !has_date_ && !response_.date.empty() && head_.status >= 200; }

  const ForwardResponse& response_;
  const http::ResponseHead& head_;
  Sink& sink_;
  HeaderEdits edits_;
  bool has_date_ = false;
};

}  // namespace weir::proxy
