// SliceWriter: the slices together are what was written, whatever the order and size of the operations.

#include <memory>
#include <string>

#include "core/base/rng.hpp"
#include "core/http/h1_writer.hpp"
#include "tests/support/catch.hpp"

namespace weir::http::test {
namespace {

std::string joined(const SliceWriter& writer) {
  std::string text;
  for (const IoSlice& slice : writer.slices()) text.append(slice.data, slice.size);
  return text;
}

TEST_CASE("adjacent runs and adjacent copies are merged") {
  BufferPool pool;
  SliceWriter writer;
  writer.reset(pool);
  CHECK(writer.slices().empty());
  const std::string_view bytes = "one two three";
  writer.append_view(bytes.substr(0, 4));
  writer.append_view(bytes.substr(4, 4));
  CHECK(writer.slices().size() == 1);
  CHECK(writer.slices()[0].data == bytes.data());
  writer.append_view(bytes.substr(9));
  CHECK(writer.slices().size() == 2);
  writer.copy("a");
  writer.number(18446744073709551615u);
  writer.field("Name", "value");
  CHECK(writer.slices().size() == 3);
  writer.append_view({});
  writer.copy({});
  CHECK(writer.slices().size() == 3);
  CHECK(joined(writer) == "one two hreea18446744073709551615Name: value\r\n");
  CHECK(writer.size() == joined(writer).size());
  CHECK_FALSE(writer.overflowed());
  CHECK(pool.in_use() == 0);
}

TEST_CASE("a copy does not depend on its source any more") {
  BufferPool pool;
  SliceWriter writer;
  writer.reset(pool);
  auto source = std::make_unique<std::string>("abc");
  writer.copy(*source);
  source.reset();
  CHECK(joined(writer) == "abc");
}

TEST_CASE("more runs than slices and more copies than scratch go to a buffer of the pool") {
  BufferPool pool;
  SliceWriter writer;
  writer.reset(pool);
  const std::string bytes(1000, 'r');
  std::string expected;
  for (std::size_t i = 0; i < 100; ++i) {
    writer.append_view(std::string_view(bytes).substr(i * 4, 3));  // never adjacent
    expected += "rrr";
  }
  CHECK(joined(writer) == expected);
  CHECK(pool.in_use() == 1);
  const std::string text(700, 'c');
  for (int i = 0; i < 10; ++i) {
    writer.copy(text);
    expected += text;
  }
  const std::string large(5000, 'l');
  writer.copy(large);
  CHECK(joined(writer) == expected + large);
  CHECK(writer.size() == expected.size() + large.size());
  CHECK_FALSE(writer.overflowed());
  writer.reset(pool);
  CHECK(pool.in_use() == 0);
  CHECK(writer.size() == 0);
  CHECK(writer.slices().empty());
  writer.copy(large);
  CHECK(joined(writer) == large);
  writer.reset(pool);
}

TEST_CASE("a run behind a spill is still a reference") {
  BufferPool pool;
  SliceWriter writer;
  writer.reset(pool);
  writer.copy(std::string(1500, 'c'));
  const std::string body(100'000, 'b');
  writer.append_view(body);
  CHECK(writer.slices().size() == 2);
  CHECK(writer.slices()[1].data == body.data());
  CHECK_FALSE(writer.overflowed());
  writer.reset(pool);
}

TEST_CASE("what does not fit into the spilled buffer overflows and stays as it was") {
  BufferPool pool(4096);
  SliceWriter writer;
  writer.reset(pool);
  writer.copy(std::string(4000, 'c'));
  CHECK_FALSE(writer.overflowed());
  writer.copy(std::string(2000, 'd'));
  CHECK(writer.overflowed());
  CHECK(writer.size() == 4000);
  writer.copy("e");
  writer.append_view("f");
  CHECK(joined(writer) == std::string(4000, 'c'));
  writer.reset(pool);
  CHECK_FALSE(writer.overflowed());
}

TEST_CASE("an exhausted pool overflows") {
  BufferPool pool(4096, 1);
  Buffer only = pool.take();
  SliceWriter writer;
  writer.reset(pool);
  writer.copy(std::string(1024, 'c'));
  CHECK_FALSE(writer.overflowed());
  writer.copy("d");
  CHECK(writer.overflowed());
  CHECK(joined(writer) == std::string(1024, 'c'));
}

TEST_CASE("the slices are what was written, for random operations") {
  Rng rng(7);
  BufferPool pool;
  SliceWriter writer;
  std::string source(4000, '\0');
  for (char& c : source) c = static_cast<char>(rng.below(256));
  for (int round = 0; round < 2000; ++round) {
    writer.reset(pool);
    std::string expected;
    for (std::uint64_t n = rng.below(80); n > 0; --n) {
      const std::size_t begin = rng.below(source.size());
      const std::size_t size = rng.below(rng.chance(0.02) ? 2000 : 60);
      const std::string_view piece = std::string_view(source).substr(begin, size);
      switch (rng.below(4)) {
        case 0:
          writer.append_view(piece);
          expected += piece;
          break;
        case 1:
          writer.copy(piece);
          expected += piece;
          break;
        case 2: {
          const std::uint64_t value = rng.next() >> rng.below(64);
          writer.number(value);
          expected += std::to_string(value);
          break;
        }
        default: writer.field("x", piece); expected.append("x: ").append(piece).append("\r\n");
      }
    }
    REQUIRE_FALSE(writer.overflowed());
    REQUIRE(writer.size() == expected.size());
    REQUIRE(joined(writer) == expected);
  }
  writer.reset(pool);
  CHECK(pool.in_use() == 0);
}

TEST_CASE("reason phrases") {
  CHECK(reason_phrase(200) == "OK");
  CHECK(reason_phrase(404) == "Not Found");
  CHECK(reason_phrase(431) == "Request Header Fields Too Large");
  CHECK(reason_phrase(599) == "Unknown");
  CHECK(reason_phrase(0) == "Unknown");
}

}  // namespace
}  // namespace weir::http::test
