#include "core/base/buffer.hpp"

#include <cstring>
#include <set>
#include <vector>

#include "core/base/sanitize.hpp"
#include "tests/support/catch.hpp"

using namespace weir;

namespace {

void fill(Buffer& buffer, std::string_view text) {
  std::memcpy(buffer.room().data(), text.data(), text.size());
  buffer.commit(text.size());
}

}  // namespace

TEST_CASE("a buffer is filled behind, consumed in front, and compacted", "[buffer]") {
  BufferPool pool(16);
  Buffer buffer = pool.take();
  REQUIRE(buffer);
  CHECK(buffer.empty());
  CHECK(buffer.room().size() == 16);
  fill(buffer, "0123456789");
  CHECK(buffer.view() == "0123456789");
  CHECK(buffer.room().size() == 6);
  buffer.consume(4);
  CHECK(buffer.view() == "456789");
  CHECK(buffer.room().size() == 6);
  buffer.compact();
  CHECK(buffer.view() == "456789");
  CHECK(buffer.room().size() == 10);
  buffer.compact();
  CHECK(buffer.view() == "456789");
  buffer.consume(6);
  buffer.compact();
  CHECK(buffer.room().size() == 16);
  fill(buffer, "full............");
  CHECK(buffer.room().empty());
  buffer.clear();
  CHECK(buffer.empty());
}

TEST_CASE("a moved-from buffer is empty, and each block goes back once", "[buffer]") {
  BufferPool pool(64);
  Buffer first = pool.take();
  fill(first, "abc");
  Buffer second(std::move(first));
  CHECK_FALSE(first);
  CHECK(first.empty());
  CHECK(second.view() == "abc");
  Buffer third = pool.take();
  CHECK(pool.in_use() == 2);
  third = std::move(second);
  CHECK(pool.in_use() == 1);
  CHECK(third.view() == "abc");
  third.reset();
  third.reset();
  CHECK_FALSE(third);
  CHECK(pool.in_use() == 0);
}

TEST_CASE("blocks are handed out last in, first out", "[buffer]") {
  BufferPool pool;
  Buffer a = pool.take();
  Buffer b = pool.take();
  const char* const of_a = a.data();
  const char* const of_b = b.data();
  a.reset();
  b.reset();
  const Buffer c = pool.take();
  const Buffer d = pool.take();
  CHECK(c.data() == of_b);
  CHECK(d.data() == of_a);
  CHECK(pool.allocated() == 2);
}

TEST_CASE("block starts are cache lines, spread over the sets", "[buffer]") {
  BufferPool pool(4096);
  std::vector<Buffer> blocks;
  std::set<std::uintptr_t> offsets;
  for (int i = 0; i < 16; ++i) {
    const auto at = reinterpret_cast<std::uintptr_t>(blocks.emplace_back(pool.take()).data());
    CHECK(at % 64 == 0);
    offsets.insert(at % 4096);
  }
  // The allocator's own placement is added to ours, so that not every start need be a different one.
  CHECK(offsets.size() >= 8);
}

TEST_CASE("beyond its bound a pool hands out empty buffers, until one comes back", "[buffer]") {
  BufferPool pool(128, 2);
  Buffer a = pool.take();
  const Buffer b = pool.take();
  const Buffer refused = pool.take();
  CHECK_FALSE(refused);
  CHECK(pool.in_use() == 2);
  a.reset();
  const Buffer again = pool.take();
  CHECK(again);
}

TEST_CASE("a block that cannot be had is an empty buffer", "[buffer]") {
  // Sanitizers end the process instead, unless they are told otherwise.
#if !defined(WEIR_ADDRESS_SANITIZER) && !defined(__SANITIZE_THREAD__)
  BufferPool pool(UINT32_MAX, 0);
  std::vector<Buffer> blocks;
  while (blocks.size() < 3 && (blocks.empty() || blocks.back())) blocks.push_back(pool.take());
  std::size_t had = 0;
  for (const Buffer& block : blocks) had += block ? 1 : 0;
  CHECK(pool.in_use() == had);
#endif
}

TEST_CASE("trim keeps as many blocks as it is told and never touches what is in use", "[buffer]") {
  BufferPool pool(1024);
  std::vector<Buffer> blocks;
  for (int i = 0; i < 40; ++i) blocks.push_back(pool.take());
  fill(blocks[0], "kept");
  while (blocks.size() > 1) blocks.pop_back();
  CHECK(pool.allocated() == 40);
  CHECK(pool.take_peak() == 40);
  CHECK(pool.take_peak() == 1);
  pool.trim(8);
  CHECK(pool.in_use() == 1);
  CHECK(pool.allocated() == 8);
  CHECK(blocks[0].view() == "kept");
  pool.trim();
  CHECK(pool.allocated() == 1);
  for (int i = 0; i < 40; ++i) fill(blocks.emplace_back(pool.take()), "x");
  CHECK(pool.in_use() == 41);
}

#ifdef WEIR_ADDRESS_SANITIZER
TEST_CASE("the address sanitizer sees the use of a block that was given back", "[buffer]") {
  BufferPool pool(256);
  Buffer buffer = pool.take();
  const char* const data = buffer.data();
  CHECK_FALSE(is_poisoned(data));
  CHECK_FALSE(is_poisoned(data + 255));
  CHECK(is_poisoned(data + 256));
  buffer.reset();
  CHECK(is_poisoned(data));
  CHECK(is_poisoned(data + 255));
  buffer = pool.take();
  CHECK_FALSE(is_poisoned(data));
}
#endif

namespace {

struct Borrower final : BufferBorrower {
  void return_blocks() noexcept override {
    ++asked;
    for (char* block : blocks) pool->take_back(block);
    blocks.clear();
    pool->lend_to_nobody();
  }
  BufferPool* pool = nullptr;
  std::vector<char*> blocks;
  int asked = 0;
};

}  // namespace

TEST_CASE("blocks are lent, come back filled or not, and are asked back by a pool that ends", "[buffer]") {
  Borrower borrower;
  Borrower second;
  {
    BufferPool pool(16, 3);
    borrower.pool = &pool;
    REQUIRE(pool.lend_to(borrower));
    CHECK_FALSE(pool.lend_to(second));
    for (int i = 0; i < 3; ++i) borrower.blocks.push_back(pool.lend());
    CHECK(pool.lend() == nullptr);  // lent ones count against the bound
    CHECK_FALSE(pool.take());
    CHECK(pool.in_use() == 0);
    CHECK(pool.allocated() == 3);
    CHECK(pool.take_peak() == 3);  // lent ones are needed, too
    pool.trim();
    CHECK(pool.allocated() == 3);
    std::memcpy(borrower.blocks.back(), "bytes", 5);
    {
      Buffer filled = pool.reclaim(borrower.blocks.back(), 5);
      borrower.blocks.pop_back();
      CHECK(filled.view() == "bytes");
      CHECK(filled.room().size() == 11);
      CHECK(pool.in_use() == 1);
    }
    CHECK(pool.in_use() == 0);
    pool.take_back(borrower.blocks.back());
    borrower.blocks.pop_back();
    CHECK(pool.take());
  }
  CHECK(borrower.asked == 1);
  CHECK(second.asked == 0);
}
