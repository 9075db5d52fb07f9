#pragma once
// Exchange: one request and its response, from the first byte of the head to the log line. run() is the page to read:
// read the head, find the route, answer or forward, relay both bodies, log. Lives in a slab while it runs, belongs to
// its connection; the worker's thread only.
//
// The parts: exchange.cpp (the page), forward.cpp (endpoint, connection, request, response head), relay.cpp (bodies
// and tunnels), answers.cpp (weir's own answers).

#include <array>
#include <cstdint>
#include <string_view>

#include "core/base/object_pool.hpp"
#include "core/coro/scope.hpp"
#include "core/http/chunked.hpp"
#include "core/http/h1_parser.hpp"
#include "core/http/h1_writer.hpp"
#include "core/proxy/ending.hpp"
#include "core/proxy/forwarding.hpp"
#include "core/proxy/spec.hpp"
#include "core/proxy/upstream/pools.hpp"

namespace weir::proxy {

class ClientConnection;
class Engine;

class Exchange {
 public:
  explicit Exchange(ClientConnection& client) noexcept;
  ~Exchange();
  Exchange(const Exchange&) = delete;
  Exchange& operator=(const Exchange&) = delete;

  // Runs to the end. Afterwards connection.keep says whether another request can follow.
  Task<void> run();

  UpstreamConnection* upstream() noexcept { return upstream_; }

 private:
  // How one try with one upstream connection went.
  enum class Try : std::uint8_t { answered, again, failed };

  // exchange.cpp
  Task<void> dispatch();
  bool find_route() noexcept;
  void choose_request_id() noexcept;
  void make_request_id() noexcept;
  bool settle_target() noexcept;
  std::string_view keep_text(std::string_view a, std::string_view b = {}, std::string_view c = {}) noexcept;
  void finish() noexcept;

  // forward.cpp
  Task<void> forward();
  Task<Try> try_once(Endpoint& endpoint, bool fresh);
  Task<bool> connect(Endpoint& endpoint);
  Task<bool> connect_to(Endpoint& endpoint, const Address& address);
  void write_request() noexcept;
  Task<Try> await_response();
  http::Parse parse_response() noexcept;
  Task<void> pass_interim();
  Task<void> deliver();
  bool may_retry() const noexcept;
  bool interrupted() const noexcept;
  bool is_cut() const noexcept;
  Task<void> fail();
  void release_upstream(bool reusable) noexcept;

  // relay.cpp
  Task<void> upload();
  bool upload_source_ended(const Result<std::size_t>& got) noexcept;
  std::size_t next_upload(std::string_view bytes) noexcept;
  Task<void> stop_upload();
  void plan_response() noexcept;
  Task<void> relay_response();
  Task<bool> next_response_bytes();
  std::size_t next_download(std::string_view bytes) noexcept;
  void end_response(bool sent) noexcept;

  // tunnel.cpp
  Task<void> tunnel();
  Task<void> pump(Stream& from, Stream& to, std::uint64_t& moved);
  void cut_tunnel() noexcept;

  // answers.cpp
  Task<void> answer_error(std::uint16_t status, Ending ending);
  Task<void> answer_respond(const Respond& respond);
  Task<void> answer_redirect(const Redirect& redirect);
  void begin_answer(std::uint16_t status) noexcept;
  void end_answer_head(std::uint64_t body_size, std::string_view content_type) noexcept;
  Task<void> send_answer(std::string_view body);

  void take_buffered_body() noexcept;

  ClientConnection& client_;
  Engine& engine_;
  const RouteSpec* route_ = nullptr;
  UpstreamConnection* upstream_ = nullptr;
  std::uint32_t route_index_ = 0;

  // Request
  std::string_view host_;            // without port
  std::string_view path_;            // normalised
  std::string_view target_;          // sent on
  std::string_view rewritten_host_;
  std::string_view request_id_;
  std::string_view refusal_;         // why the request is malformed, one word
  std::string_view buffered_body_;   // the whole body, when it came with the head
  std::uint64_t body_left_ = 0;      // of a request body with a length that streams, not yet sent on
  std::uint64_t body_in_ = 0;        // body bytes received
  std::uint32_t request_bytes_ = 0;  // of the head and the body part in the client's input, not consumed yet
  bool upgrade_ = false;
  bool head_complete_ = false;

  // Upload
  bool streams_body_ = false;        // the body did not come whole with the head
  bool uploading_ = false;           // upload() was started
  bool upload_last_ = false;         // the end of the body was built
  bool upload_done_ = false;         // and sent
  bool upload_failed_ = false;       // the upstream's connection broke under it
  bool upload_stopped_ = false;      // nobody wants the rest
  bool upload_waits_for_client_ = false;
  bool client_left_ = false;         // in the middle of its body
  bool body_too_large_ = false;
  bool bad_body_ = false;            // the request's chunked coding is broken

  // Response
  bool response_started_ = false;    // bytes of a final response went to the client
  bool response_last_ = false;       // the end of the body was built
  bool response_until_close_ = false;  // the client sees the end only by our close
  bool upstream_answered_ = false;   // at least one byte came
  std::uint16_t status_ = 0;
  BodyPlan response_plan_;
  http::Framing response_framing_ = http::Framing::none;
  std::uint64_t response_left_ = 0;
  std::uint64_t body_out_ = 0;
  Ending ending_ = Ending::ok;
  Ending failure_ = Ending::no_endpoint;  // of the last try

  // Times of the access log
  WallTime started_wall_;
  TimePoint started_, head_at_, connect_started_, connected_, sent_, first_byte_;
  std::uint8_t attempts_ = 0;
  bool reused_ = false;
  const Endpoint* endpoint_ = nullptr;

  Buffer held_;      // the request head while its body streams through the client's input
  Buffer text_;      // texts made for this exchange
  Scope tasks_;      // the upload, or one direction of a tunnel
  std::array<char, 32> id_text_;
  http::ChunkedDecoder request_chunks_;
  http::ChunkedDecoder response_chunks_;
  // Large and mostly needed for a moment: leased, so that with a thousand exchanges waiting the few in use stay in the
  // caches.
  Lease<http::SliceWriter> to_upstream_;
  Lease<http::SliceWriter> to_client_;
  Lease<http::ResponseParser> response_;
  http::RequestParser request_;
};

}  // namespace weir::proxy
