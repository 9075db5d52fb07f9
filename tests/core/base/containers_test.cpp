#include <memory>
#include <stdexcept>
#include <thread>
#include <vector>

#include "core/base/intrusive_list.hpp"
#include "core/base/object_pool.hpp"
#include "core/base/sanitize.hpp"
#include "core/base/slab.hpp"
#include "tests/support/catch.hpp"

using namespace weir;

namespace {

struct Even {};
struct Item : ListLink<>, ListLink<Even> {
  explicit Item(int v) : value(v) {}
  int value;
};

struct Node {
  Node* next = nullptr;
  int producer = 0;
  int value = 0;
};

template <class L>
std::vector<int> values(L& list) {
  std::vector<int> out;
  list.for_each([&](Item& item) { out.push_back(item.value); });
  return out;
}

std::vector<int> drain(Queue<Node>& queue) {
  std::vector<int> out;
  while (Node* node = queue.pop()) out.push_back(node->value);
  return out;
}

}  // namespace

TEST_CASE("a list keeps its order through pushes at both ends and removal anywhere", "[list]") {
  Item a(1), b(2), c(3), d(4);
  List<Item> list;
  CHECK(list.empty());
  CHECK(list.pop_front() == nullptr);
  list.push_back(b);
  list.push_back(c);
  list.push_front(a);
  list.push_back(d);
  CHECK(values(list) == std::vector<int>{1, 2, 3, 4});
  CHECK(list.front().value == 1);
  CHECK(list.back().value == 4);
  List<Item>::erase(c);
  CHECK_FALSE(static_cast<ListLink<>&>(c).linked());
  CHECK(values(list) == std::vector<int>{1, 2, 4});
  List<Item>::erase(a);
  List<Item>::erase(d);
  CHECK(list.pop_front() == &b);
  CHECK(list.empty());
}

TEST_CASE("an element can be in one list per link", "[list]") {
  Item a(1), b(2);
  List<Item> all;
  List<Item, Even> even;
  all.push_back(a);
  all.push_back(b);
  even.push_back(b);
  CHECK(values(all) == std::vector<int>{1, 2});
  CHECK(values(even) == std::vector<int>{2});
  List<Item, Even>::erase(b);
  CHECK(values(all) == std::vector<int>{1, 2});
  while (all.pop_front()) {}
}

TEST_CASE("a visit may erase the element it was given", "[list]") {
  Item a(1), b(2), c(3);
  List<Item> list;
  for (Item* item : {&a, &b, &c}) list.push_back(*item);
  list.for_each([](Item& item) {
    if (item.value != 2) List<Item>::erase(item);
  });
  CHECK(values(list) == std::vector<int>{2});
  list.pop_front();
}

TEST_CASE("splicing a list moves everything behind what was there", "[list]") {
  Item a(1), b(2), c(3);
  List<Item> first;
  List<Item> second;
  first.push_back(a);
  second.push_back(b);
  second.push_back(c);
  first.splice_back(second);
  CHECK(second.empty());
  CHECK(values(first) == std::vector<int>{1, 2, 3});
  first.splice_back(second);
  CHECK(values(first) == std::vector<int>{1, 2, 3});
  while (first.pop_front()) {}
}

TEST_CASE("a queue is first in, first out, and erases first, middle and last", "[queue]") {
  for (const int erased : {1, 2, 3}) {
    Node nodes[4];
    Queue<Node> queue;
    for (int i = 0; i < 3; ++i) {
      nodes[i].value = i + 1;
      queue.push(nodes[i]);
    }
    CHECK(queue.front() == &nodes[0]);
    CHECK(queue.erase(nodes[erased - 1]));
    CHECK_FALSE(queue.erase(nodes[erased - 1]));
    // The end of the queue is right after the removal too.
    nodes[3].value = 4;
    queue.push(nodes[3]);
    std::vector<int> expected;
    for (int i = 1; i <= 4; ++i) {
      if (i != erased) expected.push_back(i);
    }
    CHECK(drain(queue) == expected);
    CHECK(queue.empty());
    CHECK(queue.pop() == nullptr);
  }
}

TEST_CASE("splicing queues keeps both orders, also when one is empty", "[queue]") {
  Node nodes[4];
  for (int i = 0; i < 4; ++i) nodes[i].value = i;
  Queue<Node> first;
  Queue<Node> second;
  first.splice(second);
  CHECK(first.empty());
  second.push(nodes[0]);
  second.push(nodes[1]);
  first.splice(second);
  CHECK(second.empty());
  second.push(nodes[2]);
  first.splice(second);
  first.push(nodes[3]);
  CHECK(drain(first) == std::vector<int>{0, 1, 2, 3});
}

TEST_CASE("a push into an empty cross-thread queue says so, and taking keeps the order", "[mpsc]") {
  Node nodes[3];
  MpscQueue<Node> queue;
  CHECK(queue.empty());
  for (int i = 0; i < 3; ++i) {
    nodes[i].value = i;
    CHECK(queue.push(nodes[i]) == (i == 0));
  }
  CHECK_FALSE(queue.empty());
  Queue<Node> taken = queue.take_all();
  CHECK(queue.empty());
  CHECK(drain(taken) == std::vector<int>{0, 1, 2});
  CHECK(queue.push(nodes[0]));
  taken = queue.take_all();
  CHECK(drain(taken) == std::vector<int>{0});
  CHECK(queue.take_all().empty());
}

TEST_CASE("two producer threads lose nothing, and each one's order is kept", "[mpsc]") {
  constexpr int each = 20'000;
  std::vector<Node> nodes(2 * each);
  MpscQueue<Node> queue;
  std::vector<std::thread> producers;
  for (int producer = 0; producer < 2; ++producer) {
    producers.emplace_back([&, producer] {
      for (int i = 0; i < each; ++i) {
        Node& node = nodes[static_cast<std::size_t>(producer * each + i)];
        node.producer = producer;
        node.value = i;
        queue.push(node);
      }
    });
  }
  int expected[2] = {0, 0};
  bool in_order = true;
  while (expected[0] + expected[1] < 2 * each) {
    Queue<Node> taken = queue.take_all();
    if (taken.empty()) std::this_thread::yield();
    while (Node* node = taken.pop()) in_order = in_order && node->value == expected[node->producer]++;
  }
  for (std::thread& producer : producers) producer.join();
  CHECK(in_order);
  CHECK(queue.empty());
}

TEST_CASE("a slab constructs and destroys, and reuses the latest cell first", "[slab]") {
  Slab<std::vector<int>, 4> slab;
  std::vector<int>* const first = slab.make(3, 7);
  CHECK(*first == std::vector<int>{7, 7, 7});
  std::vector<std::vector<int>*> more;
  for (int i = 0; i < 10; ++i) more.push_back(slab.make());
  CHECK(slab.live() == 11);
  slab.destroy(first);
  CHECK(slab.make() == first);
  slab.destroy(first);
  for (auto* each : more) slab.destroy(each);
  CHECK(slab.live() == 0);
}

TEST_CASE("a constructor that throws costs the slab no cell", "[slab]") {
  struct Picky {
    explicit Picky(bool fail) {
      if (fail) throw std::runtime_error("no");
    }
    char bytes[40] = {};
  };
  Slab<Picky, 2> slab;
  Picky* const first = slab.make(false);
  slab.destroy(first);
  CHECK_THROWS_WITH(slab.make(true), "no");
  CHECK(slab.live() == 0);
  Picky* const again = slab.make(false);
  CHECK(again == first);
  slab.destroy(again);
}

TEST_CASE("cells of a slab have their type's alignment", "[slab]") {
  struct alignas(64) Wide {
    char byte = 0;
  };
  Slab<Wide, 3> slab;
  Wide* cells[5];
  for (Wide*& cell : cells) {
    cell = slab.make();
    CHECK(reinterpret_cast<std::uintptr_t>(cell) % 64 == 0);
  }
  for (Wide* cell : cells) slab.destroy(cell);
}

TEST_CASE("an object pool reuses the latest memory first and gives back what it is told to", "[pool]") {
  ObjectPool<std::vector<int>> pool;
  std::vector<std::vector<int>*> objects;
  for (int i = 0; i < 10; ++i) objects.push_back(pool.make(3, i));
  CHECK(*objects[7] == std::vector<int>{7, 7, 7});
  CHECK(pool.live() == 10);
  while (objects.size() > 2) {
    pool.destroy(objects.back());
    objects.pop_back();
  }
  CHECK(pool.live() == 2);
  CHECK(pool.allocated() == 10);
  CHECK(pool.take_peak() == 10);
  CHECK(pool.take_peak() == 2);
  pool.trim(5);
  CHECK(pool.allocated() == 5);
  pool.trim(0);
  CHECK(pool.allocated() == 2);
  CHECK(*objects[1] == std::vector<int>{1, 1, 1});
  std::vector<int>* const latest = objects.back();
  for (auto* object : objects) pool.destroy(object);
  CHECK(pool.make() == objects.back());
  pool.destroy(latest);
}

TEST_CASE("a constructor that throws leaves nothing behind in an object pool", "[pool]") {
  struct Picky {
    explicit Picky(bool fail) {
      if (fail) throw std::runtime_error("no");
    }
    char bytes[40] = {};
  };
  ObjectPool<Picky> pool;
  CHECK_THROWS_WITH(pool.make(true), "no");
  CHECK(pool.live() == 0);
  CHECK(pool.allocated() == 1);
  Picky* const object = pool.make(false);
  CHECK(pool.allocated() == 1);
  CHECK_THROWS_WITH(pool.make(true), "no");
  CHECK(pool.live() == 1);
  pool.destroy(object);
}

#ifdef WEIR_ADDRESS_SANITIZER
TEST_CASE("the address sanitizer sees the use of a destroyed pool object", "[pool]") {
  ObjectPool<std::unique_ptr<int>> pool;
  auto* const object = pool.make();
  CHECK_FALSE(is_poisoned(object));
  pool.destroy(object);
  CHECK(is_poisoned(object));
}

TEST_CASE("the address sanitizer sees the use of a destroyed slab object", "[slab]") {
  Slab<std::unique_ptr<int>> slab;
  auto* const object = slab.make();
  CHECK_FALSE(is_poisoned(object));
  slab.destroy(object);
  CHECK(is_poisoned(object));
}
#endif
