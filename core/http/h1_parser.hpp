#pragma once
// Incremental parsers of HTTP/1 heads, strict by RFC 9110 and 9112: whatever two parsers could read differently is
// refused. Bytes in, a head out; nothing is copied, allocated or scanned twice. Owned by an exchange; one thread.

#include <cstddef>
#include <string_view>

#include "core/http/head.hpp"
#include "core/http/limits.hpp"

namespace weir::http {

struct FieldLine;

enum class Parse : std::uint8_t { need_more, complete, refused };

// The line scanner both parsers share.
class HeadParser {
 public:
  const Refusal& refusal() const noexcept { return refusal_; }

 protected:
  // A part of the head: offsets from its first byte, since the bytes may move until it is complete.
  struct Span {
    std::uint32_t begin = 0;
    std::uint32_t size = 0;
  };
  enum class Scan : std::uint8_t { need_more, line, refused };
  // What the next line belongs to.
  enum class Part : std::uint8_t { start_line, fields, nothing };  // nothing: the head is complete
  // Options of Connection that were named, a bit each.
  enum Option : std::uint8_t { option_close = 1, option_keep_alive = 2, option_upgrade = 4, option_other = 8 };

  void restart(const Limits& limits, bool response) noexcept;
  template <class Parser>
  Parse parse_lines(Parser& self, std::string_view bytes) noexcept;
  template <class Parser>
  bool field_line(Parser& self, std::uint32_t end) noexcept;
  bool refuse(std::uint16_t status, std::string_view word) noexcept;  // always false
  Scan next_line(std::uint32_t& end) noexcept;
  Field* add_field(Head& head, std::uint32_t end) noexcept;  // null: refused
  const Field* add_usual_field(Head& head) noexcept;         // null: not the usual line
  bool on_shared_field(Head& head, FieldId id, std::string_view value) noexcept;
  void finish(Head& head, std::uint32_t end) noexcept;

  const Limits* limits_ = nullptr;
  const char* base_ = nullptr;     // the first byte of the head, in this call
  std::size_t window_ = 0;         // bytes behind it that may be looked at
  std::uint32_t scanned_ = 0;      // no line feed before this offset is unseen
  std::uint32_t line_begin_ = 0;
  std::uint32_t seen_ = 0;         // a bit per FieldId
  std::uint16_t most_fields_ = 0;
  std::uint8_t connection_options_ = 0;  // how many there are
  std::uint8_t named_options_ = 0;       // which Option among them
  Part part_ = Part::start_line;
  bool response_ = false;
  bool chunked_ = false;           // Transfer-Encoding: chunked
  Refusal refusal_;

 private:
  Field& store_field(Head& head, const FieldLine& parts, std::uint32_t end) noexcept;
  bool on_transfer_encoding(std::string_view value) noexcept;
  bool on_connection(std::string_view value) noexcept;
  bool names_option(Option option) const noexcept { return (named_options_ & option) != 0; }
  static void mark_named_fields(Head& head) noexcept;
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
  friend HeadParser;
  void look_at(std::string_view bytes) noexcept;
  bool line(std::string_view bytes, std::uint32_t end) noexcept;
  bool skip_empty_line(std::string_view bytes) noexcept;
  bool refuse_tls() noexcept;
  bool request_line(std::uint32_t end) noexcept;
  bool read_target(std::string_view target) noexcept;
  void split_query(std::string_view target, std::size_t path_begin) noexcept;
  bool on_field(const Field& field) noexcept;
  bool on_host(const Field& field) noexcept;
  bool on_expect(const Field& field) noexcept;
  bool finish_head(std::uint32_t end) noexcept;
  void set_views() noexcept;

  RequestHead head_;
  std::uint32_t skipped_ = 0;
  Span method_, target_, path_, query_, scheme_, authority_;
  std::uint32_t host_size_ = 0;  // of authority_, without the port
};

class ResponseParser : public HeadParser {
 public:
  // `method` of the request this answers: it decides the framing (HEAD, CONNECT).
  void reset(const Limits& limits, Method method) noexcept;
  Parse parse(std::string_view bytes) noexcept;  // as above; nothing may precede the status line

  const ResponseHead& head() const noexcept { return head_; }
  ResponseHead& head() noexcept { return head_; }

 private:
  friend HeadParser;
  bool line(std::string_view bytes, std::uint32_t end) noexcept;
  bool status_line(std::uint32_t end) noexcept;
  bool on_field(const Field& field) noexcept;
  void on_framing_of_bodiless(const Field& field) noexcept;
  bool finish_head(std::uint32_t end) noexcept;

  ResponseHead head_;
  Span reason_;
  Method method_ = Method::get;
};

}  // namespace weir::http
