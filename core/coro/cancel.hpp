#pragma once
// Cancellation as a request: a CancelSource keeps an intrusive list of callbacks and calls each once. No atomics, no
// allocation, one thread. What was asked to end still reports its own result, which may be success.

#include "core/base/intrusive_list.hpp"

namespace weir {

class CancelSource;

// Registered while it exists; the callback must not destroy the source.
class CancelCallback : public ListLink<CancelCallback> {
 public:
  using Function = void (*)(CancelCallback&) noexcept;
  explicit CancelCallback(Function function) noexcept : function_(function) {}
  ~CancelCallback() {
    if (linked()) unlink();
  }

 private:
  friend class CancelSource;
  friend class CancelToken;
  Function function_;
};

// A copyable view of a source; the source outlives its tokens. A default token is never cancelled.
class CancelToken {
 public:
  CancelToken() noexcept = default;
  bool cancelled() const noexcept;
  // Links the callback, or calls it at once if the source was cancelled before.
  void subscribe(CancelCallback& callback) const noexcept;

 private:
  friend class CancelSource;
  explicit CancelToken(CancelSource& source) noexcept : source_(&source) {}
  CancelSource* source_ = nullptr;
};

class CancelSource {
 public:
  CancelSource() noexcept = default;
  CancelSource(const CancelSource&) = delete;
  CancelSource& operator=(const CancelSource&) = delete;

  CancelToken token() noexcept { return CancelToken(*this); }
  bool cancelled() const noexcept { return cancelled_; }

  void cancel() noexcept {
    if (cancelled_) return;
    cancelled_ = true;
    while (CancelCallback* callback = callbacks_.pop_front()) callback->function_(*callback);
  }

 private:
  friend class CancelToken;
  List<CancelCallback, CancelCallback> callbacks_;
  bool cancelled_ = false;
};

inline bool CancelToken::cancelled() const noexcept { return source_ && source_->cancelled_; }
inline void CancelToken::subscribe(CancelCallback& callback) const noexcept {
  if (!source_) return;
  if (source_->cancelled_) {
    callback.function_(callback);
  } else {
    source_->callbacks_.push_back(callback);
  }
}

}  // namespace weir
