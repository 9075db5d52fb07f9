#include "core/proxy/upload.hpp"

namespace weir::proxy {

void Upload::start(UpstreamStream& to) {
  to_ = &to;
  state_ = State::reading;
  task_.spawn(run());
}

Task<void> Upload::run() {
  ClientStream& from = context_.client;
  for (bool last = false; !last;) {
    state_ = State::reading;
    const PartRead read = co_await from.read_body();
    if (state_ == State::stopped || !accept(read)) co_return;
    last = read.part.last;
    if (read.part.size > 0 || last) {
      state_ = State::sending;
      const auto sent = co_await to_->write_body(read.part);
      if (state_ == State::stopped) co_return;
      if (!sent) {
        state_ = State::broken;
        co_return;
      }
    }
    from.taken();
  }
  state_ = State::done;
  context_.request_sent();
}

// False: there is nothing to be sent on.
bool Upload::accept(const PartRead& read) noexcept {
  bytes_ += read.part.size;
  Cut why = read.cut;
  if (why == Cut::none && context_.route->max_body != 0 && bytes_ > context_.route->max_body) why = Cut::body_too_large;
  if (why == Cut::none) return true;
  state_ = State::stopped;
  context_.cut_off(why, read.word);
  return false;
}

void Upload::stop() noexcept {
  if (!under_way()) return;
  if (state_ == State::reading) context_.client.cancel(Direction::in);
  if (state_ == State::sending) to_->cancel(Direction::out);
  state_ = State::stopped;
}

}  // namespace weir::proxy
