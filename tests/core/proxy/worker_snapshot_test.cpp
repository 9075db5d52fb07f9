// SnapshotRef: the holds of one worker are counted, and the last one lets the snapshot go.
#include "core/proxy/worker_snapshot.hpp"

#include <optional>

#include "tests/support/catch.hpp"

namespace weir::proxy::test {
namespace {

std::shared_ptr<const Snapshot> snapshot() {
  auto spec = std::make_shared<Spec>();
  spec->listeners.emplace_back().name = "web";
  return std::make_shared<const Snapshot>(std::move(spec));
}

}  // namespace

TEST_CASE("each copy is one more user, and the last one lets the snapshot go", "[snapshot]") {
  std::weak_ptr<const Snapshot> watched;
  {
    auto owner = snapshot();
    watched = owner;
    const SnapshotRef first(std::move(owner));
    CHECK(first.users() == 1);
    CHECK(first->spec->listeners[0].name == "web");
    CHECK(&*first == watched.lock().get());
    {
      const SnapshotRef second(first);
      CHECK(&*second == &*first);
      CHECK(first.users() == 2);
      CHECK(second.users() == 2);
    }
    CHECK(first.users() == 1);
    CHECK_FALSE(watched.expired());
  }
  CHECK(watched.expired());
}

TEST_CASE("a copy outlives the one that it was made of", "[snapshot]") {
  std::weak_ptr<const Snapshot> watched;
  std::optional<SnapshotRef> worker;
  {
    auto owner = snapshot();
    watched = owner;
    worker.emplace(std::move(owner));
  }
  std::optional<SnapshotRef> exchange(*worker);
  worker.reset();
  CHECK(exchange->users() == 1);
  CHECK((*exchange)->spec->listeners[0].name == "web");
  exchange.reset();
  CHECK(watched.expired());
}

TEST_CASE("a worker that takes up another snapshot leaves the old one to the exchanges that hold it", "[snapshot]") {
  auto owner = snapshot();
  const std::weak_ptr<const Snapshot> before = owner;
  SnapshotRef worker(std::move(owner));
  std::optional<SnapshotRef> exchange(worker);
  worker = SnapshotRef(snapshot());
  CHECK(worker.users() == 1);
  CHECK(exchange->users() == 1);
  CHECK_FALSE(before.expired());
  exchange.reset();
  CHECK(before.expired());
}

TEST_CASE("assigning what is held already changes nothing", "[snapshot]") {
  SnapshotRef one(snapshot());
  const SnapshotRef two(one);
  one = two;
  CHECK(one.users() == 2);
  CHECK(&*one == &*two);
}

TEST_CASE("counts of two workers are their own", "[snapshot]") {
  const auto shared = snapshot();
  const SnapshotRef one(shared);
  const SnapshotRef other(shared);
  const SnapshotRef exchange(one);
  CHECK(one.users() == 2);
  CHECK(other.users() == 1);
}

}  // namespace weir::proxy::test
