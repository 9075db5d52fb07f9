#pragma once
// Incremental parsers of HTTP/1 heads, strict by RFC 9110 and 9112: whatever two parsers could read differently is
// refused. Bytes in, a head out; nothing is copied, allocated or scanned twice. Owned by an exchange; one thread.

#include <cstddef>
#include <string_view>

#include "core/http/head.hpp"
#include "core/http/limits.hpp"

namespace weir::http {

enum class Parse : std::uint8_t { need_more, complete, refused };

// The line scanner both parsers share.
class HeadParser {
 public:
  const Refusal& refusal() const noexcept { return refusal_; }

 protected:
  void restart(const Limits& limits) noexcept;
  const Limits* limits_ = nullptr;
  std::uint32_t scanned_ = 0;      // no line feed before this offset is unseen
  std::uint32_t line_begin_ = 0;
  bool start_line_seen_ = false;
  Refusal refusal_;
};

class RequestParser : public HeadParser {
 public:
  // Forgets the last request. `limits` outlives the parser's use.
  void reset(const Limits& limits) noexcept;

  // `bytes` begins with the first byte of the head and holds everything received since; each call passes the same
  // bytes and more (they may have moved). At most one empty line before the request line is skipped: then `skipped()`
  // bytes come before head().base. After `complete`, head() is valid while the bytes stay in place.
  Parse parse(std::string_view bytes) noexcept;

  const RequestHead& head() const noexcept { return head_; }
  RequestHead& head() noexcept { return head_; }
  std::size_t skipped() const noexcept { return skipped_; }
  bool started() const noexcept { return scanned_ > 0; }  // some byte of a head is there

 private:
  RequestHead head_;
  std::uint32_t skipped_ = 0;
};

class ResponseParser : public HeadParser {
 public:
  // `method` of the request this answers: it decides the framing (HEAD, CONNECT).
  void reset(const Limits& limits, Method method) noexcept;
  Parse parse(std::string_view bytes) noexcept;  // as above; nothing may precede the status line

  const ResponseHead& head() const noexcept { return head_; }
  ResponseHead& head() noexcept { return head_; }

 private:
  ResponseHead head_;
  Method method_ = Method::get;
};

}  // namespace weir::http
