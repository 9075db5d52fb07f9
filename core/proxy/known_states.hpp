#pragma once
// KnownStates: state that outlives a configuration, by name. The same name gives the same object for as long as it is
// referenced; unreferenced objects are dropped. Control thread.

#include <cstddef>
#include <functional>
#include <map>
#include <memory>
#include <utility>

namespace weir::proxy {

template <class Key, class State>
class KnownStates {
 public:
  KnownStates() = default;
  KnownStates(const KnownStates&) = delete;
  KnownStates& operator=(const KnownStates&) = delete;

  // `make` is called for a name that is not known: it returns a shared_ptr to a new state.
  template <class Make>
  std::shared_ptr<State> of(const Key& key, Make&& make) {
    if (known_.size() >= sweep_at_) sweep();
    std::weak_ptr<State>& known = known_[key];
    std::shared_ptr<State> state = known.lock();
    if (!state) known = state = make();
    return state;
  }

  // Visits every state that is referred to.
  template <class Visit>
  void for_each(Visit&& visit) const {
    for (const auto& [key, known] : known_)
      if (const std::shared_ptr<State> state = known.lock()) visit(*state);
  }

 private:
  // Each one is looked at a bounded number of times for each that was added.
  void sweep() {
    std::erase_if(known_, [](const auto& entry) { return entry.second.expired(); });
    sweep_at_ = 2 * known_.size() + 16;
  }

  std::map<Key, std::weak_ptr<State>> known_;
  std::size_t sweep_at_ = 16;
};

}  // namespace weir::proxy
