// Runs every fuzz target over its seed corpus, and over mutations of the seeds that are the same in every run.

#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "core/base/rng.hpp"
#include "tests/fuzz/targets.hpp"
#include "tests/support/catch.hpp"

namespace weir::fuzz {
namespace {

std::vector<std::string> seeds_of(const char* target) {
  std::vector<std::filesystem::path> files;
  for (const auto& entry : std::filesystem::directory_iterator(std::filesystem::path(WEIR_FUZZ_CORPUS) / target)) {
    files.push_back(entry.path());
  }
  std::sort(files.begin(), files.end());
  std::vector<std::string> seeds;
  for (const std::filesystem::path& file : files) {
    std::ifstream stream(file, std::ios::binary);
    seeds.emplace_back(std::istreambuf_iterator<char>(stream), std::istreambuf_iterator<char>());
  }
  return seeds;
}

// Overwrites, inserts, removes, doubles, or joins with another seed.
void mutate(std::string& text, const std::vector<std::string>& seeds, Rng& rng) {
  constexpr std::string_view marks("\r\n\t :;,\0/%.\"09aZ\x7f\xff", 18);
  const std::size_t at = rng.below(text.size() + 1);
  const std::size_t length = rng.below(8);
  switch (rng.below(5)) {
    case 0:
      if (at < text.size()) text[at] = marks[rng.below(marks.size())];
      break;
    case 1: text.insert(at, 1, marks[rng.below(marks.size())]); break;
    case 2: text.erase(at, length); break;
    case 3: text.insert(at, text.substr(at, length * 4)); break;
    default: {
      const std::string& other = seeds[rng.below(seeds.size())];
      text = text.substr(0, at) + other.substr(rng.below(other.size() + 1));
    }
  }
}

void replay(const char* name, void (*target)(std::string_view)) {
  const std::vector<std::string> seeds = seeds_of(name);
  REQUIRE(seeds.size() >= 10);
  target({});
  for (const std::string& seed : seeds) target(seed);
  Rng rng(1);
  for (int round = 0; round < 10000; ++round) {
    std::string text = seeds[rng.below(seeds.size())];
    for (std::uint64_t n = rng.between(1, 4); n > 0; --n) mutate(text, seeds, rng);
    target(text);
  }
}

TEST_CASE("seeds and mutations of requests keep every invariant") { replay("h1_request", h1_request); }
TEST_CASE("seeds and mutations of responses keep every invariant") { replay("h1_response", h1_response); }
TEST_CASE("seeds and mutations of chunked bodies keep every invariant") { replay("chunked", chunked); }
TEST_CASE("seeds and mutations of bodies keep every invariant") { replay("body", body); }
TEST_CASE("seeds and mutations of paths and authorities keep every invariant") { replay("uri", uri); }

}  // namespace
}  // namespace weir::fuzz
