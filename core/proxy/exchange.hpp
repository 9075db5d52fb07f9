#pragma once
// Exchange: one request and its response, from the complete head to the log line, whatever carries them. run() is the page
// to read: find the route, answer or forward, relay both bodies, log. Lives in a pool while it runs and belongs to its
// client stream's connection; the worker's thread only.
//
// The parts: exchange.cpp (the page, attempts, the relay of the response), request_target.cpp (what of the request decides
// the route), exchange_texts.cpp (texts with variables), answers.cpp (weir's own answers), handled.cpp (those of a handler),
// exchange_log.cpp. Attempts and the upload are objects of their own.

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "core/base/object_pool.hpp"
#include "core/http/h1_writer.hpp"
#include "core/proxy/answer_lines.hpp"
#include "core/proxy/attempt.hpp"
#include "core/proxy/attempt_notes.hpp"
#include "core/proxy/ending.hpp"
#include "core/proxy/exchange_context.hpp"
#include "core/proxy/template.hpp"
#include "core/proxy/upload.hpp"

namespace weir::proxy {

struct HandlerAnswer;

class Exchange final : private ExchangeContext, private Deadline::Watcher, private ClientStream::Events {
 public:
  // The stream's watcher and events are the exchange's until it ends.
  Exchange(Engine& engine, ClientStream& client) noexcept;
  ~Exchange();

  // From a complete head to its end. The client stream is finished then.
  Task<void> run();
  // There is no head that could be served: says so and ends.
  Task<void> refuse(http::Refusal refusal);
  // The same where nothing was wrong with what came of it. Answered if the cause has a status; `logged`: it began.
  Task<void> refuse(Cut why, bool logged);

  void cut_off(Cut why, std::string_view word = {}) noexcept override;
  // The server drains: a tunnel, which has no end of its own, is given Spec::runtime.shutdown.tunnels.
  void drain() noexcept;

 private:
  // A status that the request is answered with before anything is done for it; 0: it goes on.
  struct Verdict {
    std::uint16_t status = 0;
    Ending ending = Ending::ok;
  };

  // exchange.cpp
  void late(Late what) noexcept override;
  TimePoint last_progress() const noexcept override;
  void client_gone() noexcept override { cut_off(Cut::client_gone); }
  void client_half_closed() noexcept override;
  void request_sent() noexcept override;
  Verdict examine() noexcept;
  Task<void> forward();
  bool draining() const noexcept;
  void prepare_request(ForwardRequest& request) const noexcept;
  bool try_again(const Endpoint& endpoint, TriedSet& tried, bool& fresh) noexcept;
  Task<void> fail();
  Task<void> relay_response();
  void plan_response(ResponsePlan& plan) noexcept;
  bool part_passed(const Result<void>& sent, const PartRead& read) noexcept;
  void end_response(bool whole) noexcept;
  Task<void> tunnel();
  Cut culprit() const noexcept;

  // request_target.cpp
  enum class Match : std::uint8_t { found, none, other_rules, refused };
  Verdict settle_route() noexcept;
  Match match_route(const PathRules& rules) noexcept;
  bool find_route(std::string_view path) noexcept;
  std::span<char> room_for(std::size_t size) noexcept;
  Verdict rewrite_target() noexcept;
  bool is_normal(std::string_view path) noexcept;
  void choose_request_id() noexcept;
  void make_request_id() noexcept;
  std::string_view keep_text(std::string_view a, std::string_view b = {}, std::string_view c = {}) noexcept;

  // exchange_texts.cpp
  std::string_view scheme() const noexcept;
  std::optional<std::string_view> expanded(const Template& text, Expansion what) noexcept;
  std::span<std::string_view> room_for_views(std::size_t count) noexcept;
  bool apply(const HeaderEdit& edit, const EditTexts* texts, AppliedEdit& out) noexcept;
  bool settle_edits() noexcept;
  std::span<const AppliedEdit> response_edits() const noexcept;

  // answers.cpp
  Task<void> answer_error(std::uint16_t status, Ending ending);
  Task<void> answer_respond(const Respond& respond);   // at once: what they return is the send
  Task<void> answer_redirect(const Redirect& redirect);
  Task<void> send_answer(std::uint16_t status, std::string_view body);
  AnswerLines<http::SliceWriter> begin_answer(const AppliedEdit& of_action = {}) noexcept;
  void end_answer(AnswerLines<http::SliceWriter>& lines) noexcept;
  std::string_view allowed_methods() noexcept;
  Task<void> answer_last_hop();
  std::string_view reflected_head() noexcept;
  bool may_trace() const noexcept { return route->allow_trace; }
  bool may_connect() const noexcept { return route->allow_connect && !route->upstream.empty(); }

  // handled.cpp
  Task<void> answer_handled();
  Task<void> send_handled(const HandlerAnswer& answer);
  Task<void> read_whole_body(std::string& body);

  // exchange_log.cpp
  void finish(bool complete) noexcept;
  void log() noexcept;
  void describe_request(AccessRecord& record) const noexcept;
  void describe_attempts(AccessRecord& record, TimePoint end) noexcept;
  void note_failure(Ending how, std::string_view word) noexcept;
  void note_outcome() noexcept;
  std::uint64_t body_in() const noexcept { return client.whole_body().size() + upload_.bytes() + tunnel_in_; }

  std::uint32_t route_index_ = 0;
  std::string_view host_;            // without port
  std::string_view path_;            // normalised
  std::string_view target_;          // sent on
  std::string_view rewritten_host_;
  std::string_view request_id_;
  std::string_view word_;            // the rule that the request or the response broke, one stable word
  bool upgrade_ = false;             // the request asks for a tunnel, and may have it
  bool has_head_ = false;
  bool reads_whole_ = false;         // the body, for a handler
  bool logged_ = true;

  std::uint16_t status_ = 0;         // 0: nothing was sent
  std::uint64_t body_out_ = 0;
  std::uint64_t tunnel_in_ = 0;      // bytes
  Ending ending_ = Ending::ok;
  std::uint8_t attempts_ = 0;
  std::uint8_t noted_ = 0;           // the last of the attempts_ that is among the notes, from 1
  AttemptNotes notes_;               // of those that failed; the last one is added when the line is written

  Attempt attempt_;
  Upload upload_;
  Relay* tunnel_ = nullptr;          // while bytes go both ways
  Buffer text_;                      // texts made for this exchange
  enum : std::size_t { listener_edit, action_edit, route_edit, edit_count };
  std::array<AppliedEdit, edit_count> response_edits_;  // in the order in which they apply
  AppliedEdit request_edit_;
  bool edits_settled_ = false;
  std::array<char, 32> id_text_;
  Lease<http::SliceWriter> answer_;  // the lines and the body of an answer of weir's own
};

}  // namespace weir::proxy
