#pragma once
// The lines that tell an upstream where a request came from: X-Forwarded-For, -Proto, -Host and Forwarded (RFC 7239).
// What a trusted peer said is continued, what anyone else said was dropped before. Knows no wire format; one request,
// on its exchange's thread; nothing is allocated.

#include <array>
#include <cstdint>
#include <string_view>

#include "core/http/grammar.hpp"
#include "core/proxy/forwarding.hpp"
#include "core/proxy/head_sink.hpp"
#include "core/proxy/header_edits.hpp"
#include "core/proxy/text_out.hpp"

namespace weir::proxy {

// The forwarding fields that were received from a trusted peer.
class SeenClaims {
 public:
  void add(http::FieldId id) noexcept { bits_ |= bit(id); }
  bool has(http::FieldId id) const noexcept { return (bits_ & bit(id)) != 0; }

 private:
  static_assert(static_cast<unsigned>(http::FieldId::x_request_id) < 32);
  static constexpr std::uint32_t bit(http::FieldId id) noexcept {
    return std::uint32_t{1} << static_cast<unsigned>(id);
  }
  std::uint32_t bits_ = 0;
};

// A peer on a unix socket or a pipe has no address to forward.
inline bool has_ip_client(const ForwardRequest& request) noexcept {
  return request.client && request.client->has_port();
}

template <class Sink>
class ForwardingLines {
 public:
  ForwardingLines(const ForwardRequest& request, const HeaderEdits& edits, const SeenClaims& seen, Sink& sink) noexcept
      : request_(request), head_(*request.head), edits_(edits), seen_(seen), sink_(sink) {}

  void add_x_forwarded() noexcept {
    constexpr LineName address("X-Forwarded-For: "), scheme("X-Forwarded-Proto: "), host("X-Forwarded-Host: ");
    if (has_ip_client(request_) && !edits_.take_out(address.name())) {
      std::array<char, max_ip_text> ip;
      sink_.begin(address);
      put_received(http::FieldId::x_forwarded_for);
      sink_.part(peer_ip(*request_.client, ip.data()));
      sink_.end();
    }
    if (!seen_.has(http::FieldId::x_forwarded_proto) && !edits_.take_out(scheme.name()))
      sink_.line(scheme, request_.scheme);
    if (!seen_.has(http::FieldId::x_forwarded_host) && !head_.authority.empty() && !edits_.take_out(host.name()))
      sink_.line(host, head_.authority);
  }

  void add_forwarded() noexcept {
    constexpr LineName name("Forwarded: ");
    if (edits_.take_out(name.name())) return;
    sink_.begin(name);
    put_received(http::FieldId::forwarded);
    put_for();
    sink_.part(";proto=");
    sink_.part(request_.scheme);
    if (!head_.authority.empty()) {
      sink_.part(";host=");
      put_value(head_.authority);
    }
    sink_.end();
  }

 private:
  // The values of all received lines of that field, each with a comma behind it.
  void put_received(http::FieldId id) noexcept {
    if (!seen_.has(id)) return;
    for (std::uint16_t i = 0; i < head_.field_count; ++i) {
      const std::string_view value = head_.fields[i].id == id ? head_.value(head_.fields[i]) : std::string_view{};
      if (value.empty()) continue;
      sink_.part(value);
      sink_.part(", ");
    }
  }
  void put_for() noexcept {
    sink_.part("for=");
    if (!has_ip_client(request_)) {
      sink_.part("unknown");
      return;
    }
    std::array<char, max_ip_text> room;
    const std::string_view ip = peer_ip(*request_.client, room.data());
    const bool bracketed = ip.find(':') != ip.npos;
    if (bracketed) sink_.part("\"[");
    sink_.part(ip);
    if (bracketed) sink_.part("]\"");
  }
  // A token as it is, anything else as a quoted string (RFC 7239 section 4).
  void put_value(std::string_view value) noexcept {
    if (http::is_token(value)) {
      sink_.part(value);
      return;
    }
    sink_.part("\"");
    std::size_t begin = 0;
    for (std::size_t i = 0; i < value.size(); ++i) {
      if (value[i] != '"' && value[i] != '\\') continue;
      sink_.part(value.substr(begin, i - begin));
      sink_.part("\\");
      begin = i;
    }
    sink_.part(value.substr(begin));
    sink_.part("\"");
  }

  const ForwardRequest& request_;
  const http::RequestHead& head_;
  const HeaderEdits& edits_;
  const SeenClaims& seen_;
  Sink& sink_;
};

}  // namespace weir::proxy
