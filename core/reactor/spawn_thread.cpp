#include "core/reactor/spawn_thread.hpp"

namespace weir {

SpawnThread::SpawnThread(Reactor& reactor) : reactor_(reactor), thread_([this] { run(); }) {}

SpawnThread::~SpawnThread() {
  {
    const std::lock_guard lock(mutex_);
    ending_ = true;
  }
  wanted_.notify_one();
  thread_.join();
}

void SpawnThread::start(Order& order) {
  {
    const std::lock_guard lock(mutex_);
    orders_.push(order);
  }
  wanted_.notify_one();
}

void SpawnThread::run() noexcept {
  std::unique_lock lock(mutex_);
  for (;;) {
    wanted_.wait(lock, [this] { return ending_ || !orders_.empty(); });
    if (orders_.empty()) return;
    Order& order = static_cast<Order&>(*orders_.pop());
    lock.unlock();
    order.error = reactor_.backend().spawn(*order.child, *order.spec);
    reactor_.post(order);  // its owner may end it from here on
    lock.lock();
  }
}

StartChild::StartChild(Reactor& reactor, ChildProcess& process, const SpawnSpec& how) noexcept : reactor_(reactor) {
  child = &process;
  spec = &how;
  run = [](Posted& work) noexcept { static_cast<StartChild&>(work).waiter_.resume(); };
}

bool StartChild::await_ready() noexcept {
  if (reactor_.backend().capabilities().spawn_holds) spawn_thread_ = reactor_.spawn_thread();
  if (spawn_thread_ == nullptr) error = reactor_.backend().spawn(*child, *spec);
  return spawn_thread_ == nullptr;
}

void StartChild::await_suspend(std::coroutine_handle<> waiter) noexcept {
  waiter_ = waiter;
  spawn_thread_->start(*this);
}

}  // namespace weir
