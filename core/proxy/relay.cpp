// Bodies: the upload runs beside the response, because an upstream may answer before it has read everything. Each
// direction holds one buffer at a time and reads on only when that one is sent: backpressure costs nothing more.
#include "core/proxy/connection.hpp"
#include "core/proxy/engine.hpp"
#include "core/proxy/exchange.hpp"

namespace weir::proxy {

namespace {

constexpr std::size_t max_pieces = 16;

// Decodes up to max_pieces spans of `bytes` and writes them as one chunk. Returns how much of `bytes` is used up.
struct Rechunked {
  std::size_t consumed = 0;
  std::size_t data = 0;
  bool last = false;
  bool refused = false;
};

Rechunked decode(http::ChunkedDecoder& decoder, std::string_view bytes, bool write_chunks, http::SliceWriter& out) {
  std::array<std::string_view, max_pieces> pieces;
  std::size_t count = 0;
  Rechunked result;
  while (result.consumed < bytes.size() && count < max_pieces && !result.last && !result.refused) {
    const http::ChunkedDecoder::Piece piece = decoder.next(bytes.substr(result.consumed));
    result.consumed += piece.consumed;
    result.last = piece.status == http::ChunkedDecoder::Status::done;
    result.refused = piece.status == http::ChunkedDecoder::Status::refused;
    if (piece.status != http::ChunkedDecoder::Status::data || piece.data.empty()) continue;
    pieces[count++] = piece.data;
    result.data += piece.data.size();
  }
  if (result.data > 0 && write_chunks) {
    std::array<char, http::max_chunk_line> line;
    out.copy({line.data(), http::write_chunk_line(result.data, line.data())});
  }
  for (std::size_t i = 0; i < count; ++i) out.append_view(pieces[i]);
  if (result.data > 0 && write_chunks) out.copy("\r\n");
  if (result.last && write_chunks) {
    out.copy("0\r\n");
    if (!decoder.trailers().empty()) out.append_view(decoder.trailers());
    out.copy("\r\n");
  }
  return result;
}

}  // namespace

// Sends the request body on. The first part of it lies behind the head in held_, which stays for the log.
Task<void> Exchange::upload() {
  Stream& from = client_.stream;
  Stream& to = upstream_->stream;
  Buffer* source = &held_;
  request_chunks_.reset(engine_.spec().limits);
  for (;;) {
    while (!source->empty() && !upload_last_) {
      to_upstream_.open(engine_.reactor.buffers());
      const std::size_t used = next_upload(source->view());
      if (bad_body_ || body_too_large_) {
        to.cancel(Direction::both);
        co_return;
      }
      auto sent = co_await to.send(to_upstream_->slices());
      to_upstream_.release();
      if (!sent && sent.error().code != Errc::cancelled) upload_failed_ = true;
      if (!sent || upload_stopped_) co_return;  // the upstream may have answered: that is read elsewhere
      source->consume(used);
    }
    if (upload_last_) break;
    if (source != &held_) source->reset();
    source = &from.input();
    upload_waits_for_client_ = true;
    auto got = co_await from.receive();
    if (upload_source_ended(got)) co_return;
    upload_waits_for_client_ = false;
  }
  upload_done_ = true;
  if (source == &held_ && !held_.empty()) {  // a pipelined request came with the body
    from.input() = engine_.reactor.buffers().take();
    const std::string_view rest = held_.view();
    if (from.input()) {
      rest.copy(from.input().room().data(), rest.size());
      from.input().commit(rest.size());
    } else {
      client_.keep = false;
    }
  }
  client_.watch();
  if (status_ == 0) client_.enter(Phase::first_byte, route_->timeout.first_byte);
}

// True when the client's bytes have ended, or nobody wants them any more.
bool Exchange::upload_source_ended(const Result<std::size_t>& got) noexcept {
  if (upload_stopped_) return true;
  if (got && *got > 0) return false;
  if (client_.timed_out() || client_.stopped()) return true;  // upload_waits_for_client_ stays set: it tells whose fault
  client_left_ = true;
  upstream_->stream.cancel(Direction::both);
  return true;
}

std::size_t Exchange::next_upload(std::string_view bytes) noexcept {
  if (request_.head().framing == http::Framing::length) {
    const std::size_t size = bytes.size() < body_left_ ? bytes.size() : static_cast<std::size_t>(body_left_);
    to_upstream_->append_view(bytes.substr(0, size));
    body_left_ -= size;
    body_in_ += size;
    upload_last_ = body_left_ == 0;
    return size;
  }
  const Rechunked part = decode(request_chunks_, bytes, true, *to_upstream_);
  body_in_ += part.data;
  bad_body_ = part.refused;
  body_too_large_ = route_->max_body && body_in_ > route_->max_body;
  upload_last_ = part.last;
  return part.consumed;
}

Task<void> Exchange::stop_upload() {
  if (!uploading_) co_return;
  if (!upload_done_) {
    upload_stopped_ = true;
    if (upload_waits_for_client_) client_.stream.cancel(Direction::in);
    if (upstream_) upstream_->stream.cancel(Direction::out);
  }
  co_await tasks_.join();
}

// How the response is delimited towards the client.
void Exchange::plan_response() noexcept {
  const http::ResponseHead& head = response_->head();
  status_ = head.status;
  response_framing_ = head.framing;
  response_left_ = head.framing == http::Framing::length ? head.content_length : 0;
  response_plan_ = {head.framing, head.content_length};
  if (head.framing == http::Framing::chunked || head.framing == http::Framing::until_close) {
    const bool modern = request_.head().minor_version >= 1;
    response_plan_.framing = modern ? http::Framing::chunked : http::Framing::until_close;
    response_until_close_ = !modern;
  }
  response_last_ = head.framing == http::Framing::none || (head.framing == http::Framing::length && response_left_ == 0);
  if (head.framing == http::Framing::chunked) response_chunks_.reset(engine_.spec().limits);
  if (response_until_close_ || engine_.draining) client_.keep = false;
  if (uploading_ && !upload_done_) {  // whether the rest of the body will ever be read is not known
    client_.keep = false;
    client_.linger = true;
  }
}

Task<void> Exchange::relay_response() {
  Stream& from = upstream_->stream;
  plan_response();
  const http::ResponseHead& head = response_->head();
  ForwardResponse response;
  response.head = &head;
  response.rules = &engine_.spec().forwarding;
  response.edit = route_->response_headers.empty() ? nullptr : &route_->response_headers;
  response.request_id = request_id_;
  response.client_minor_version = request_.head().minor_version;
  response.close = !client_.keep;
  response.keep_alive_1_0 = client_.keep && request_.head().minor_version == 0;
  response.body = response_plan_;
  response.keep_length = head.framing == http::Framing::none;
  to_client_.open(engine_.reactor.buffers());
  write_response_head(response, *to_client_);

  std::size_t used = head.size;
  used += next_download(from.input().view().substr(head.size));
  if (!interrupted()) client_.forget_timeout();  // the answer came first after all
  client_.enter(Phase::body, route_->timeout.idle);
  const bool keep_upstream = head.keep_alive && response_framing_ != http::Framing::until_close;
  bool sent = false;
  bool more = !to_client_->overflowed();
  while (more) {
    response_started_ = true;
    auto sending = co_await client_.stream.send(to_client_->slices());
    sent = sending.has_value();
    to_client_.release();
    response_.release();  // the head is sent
    from.input().consume(used);
    more = sent && !response_last_ && failure_ != Ending::bad_response && !is_cut();
    if (!more) break;
    auto receiving = next_response_bytes();
    more = co_await receiving;
    more = more && !is_cut();
    if (!more) break;
    to_client_.open(engine_.reactor.buffers());
    used = next_download(from.input().view());
  }
  const bool reusable = response_last_ && sent && keep_upstream && (!uploading_ || upload_done_);
  end_response(sent);
  auto stopping = stop_upload();
  co_await stopping;
  release_upstream(reusable);
}

// Bytes to send on, or the end that only the upstream's close shows. False: the response is over or cut.
Task<bool> Exchange::next_response_bytes() {
  Stream& from = upstream_->stream;
  if (!from.input().empty()) co_return true;
  from.input().reset();
  auto got = co_await from.receive();
  if (got && *got > 0) co_return true;
  // A reset that the upload met first is not reported again: the end may be no end then. Word of it may still be on its
  // way, so the upload is brought to its end before this one is believed.
  const bool ends_by_close = got && response_framing_ == http::Framing::until_close;
  if (ends_by_close) {
    auto stopping = stop_upload();
    co_await stopping;
  }
  if (ends_by_close && !upload_failed_) {
    response_last_ = true;
    co_return response_plan_.framing == http::Framing::chunked;  // the last chunk is still to be sent
  }
  failure_ = Ending::upstream_closed;
  if (!got && got.error().code != Errc::cancelled) failure_ = Ending::upstream_reset;
  if (client_.timed_out()) failure_ = Ending::upstream_timeout;
  co_return false;
}

std::size_t Exchange::next_download(std::string_view bytes) noexcept {
  switch (response_framing_) {
    case http::Framing::none: return 0;
    case http::Framing::length: {
      const std::size_t size = bytes.size() < response_left_ ? bytes.size() : static_cast<std::size_t>(response_left_);
      if (size > 0) to_client_->append_view(bytes.substr(0, size));
      response_left_ -= size;
      body_out_ += size;
      response_last_ = response_left_ == 0;
      return size;
    }
    case http::Framing::chunked: {
      const bool chunks = response_plan_.framing == http::Framing::chunked;
      const Rechunked part = decode(response_chunks_, bytes, chunks, *to_client_);
      body_out_ += part.data;
      response_last_ = part.last;
      if (part.refused) failure_ = Ending::bad_response;
      return part.consumed;
    }
    case http::Framing::until_close: break;
  }
  const bool chunks = response_plan_.framing == http::Framing::chunked;
  body_out_ += bytes.size();
  if (!bytes.empty()) {
    std::array<char, http::max_chunk_line> line;
    if (chunks) to_client_->copy({line.data(), http::write_chunk_line(bytes.size(), line.data())});
    to_client_->append_view(bytes);
    if (chunks) to_client_->copy("\r\n");
  }
  if (response_last_ && chunks) to_client_->copy(http::last_chunk);
  return bytes.size();
}

void Exchange::end_response(bool sent) noexcept {
  if (sent && response_last_ && failure_ != Ending::bad_response) {
    ending_ = Ending::ok;
    return;
  }
  client_.keep = false;
  client_.linger = false;
  if (client_.stopped()) {
    ending_ = Ending::stopped;
  } else if (client_.total_timed_out()) {
    ending_ = Ending::total_timeout;
  } else if (client_.client_reset() || (client_.timed_out() && client_.client_ended())) {
    ending_ = Ending::client_closed;
  } else if (!sent) {
    ending_ = client_.timed_out() ? Ending::client_timeout : Ending::client_closed;
  } else {
    ending_ = client_.timed_out() ? Ending::upstream_timeout : failure_;
  }
  // A close would look like the end of the body: the client must see that it is cut.
  if (response_until_close_) client_.stream.abort_on_close();
}

}  // namespace weir::proxy
