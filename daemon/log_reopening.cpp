#include "daemon/log_reopening.hpp"

#include <utility>

namespace weir::daemon {

LogReopening::LogReopening() noexcept {
  note_.self = this;
  note_.run = [](Posted& posted) noexcept {
    auto& note = static_cast<Note&>(posted);
    note.queued.store(false, std::memory_order_release);
    note.self->told_.set();
  };
}

Task<std::string> LogReopening::run(Reactor& reactor, LogWriter& writer) {
  std::uint64_t mine = 0;
  {
    const std::lock_guard lock(mutex_);
    reactor_ = &reactor;
    mine = asked_.fetch_add(1, std::memory_order_acq_rel) + 1;
  }
  writer.reopen();
  while (!given_up_) {
    told_.reset();
    {
      const std::lock_guard lock(mutex_);
      if (done_ >= mine) co_return problem_;
    }
    auto wait = told_.wait();
    co_await wait;
  }
  co_return "weir ends, and the log's writer has not answered";
}

void LogReopening::give_up() noexcept {
  given_up_ = true;
  told_.set();
}

void LogReopening::ended(std::string problem) noexcept {
  const std::lock_guard lock(mutex_);
  done_ = doing_;
  problem_ = std::move(problem);
  if (reactor_ != nullptr && !note_.queued.exchange(true, std::memory_order_acq_rel)) reactor_->post(note_);
}

}  // namespace weir::daemon
