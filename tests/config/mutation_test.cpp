// Damaged files, and very large ones.
#include <fmt/format.h>

#include "core/base/rng.hpp"
#include "tests/config/support.hpp"

using namespace weir;
using namespace weir::config;
using namespace weir::config::test;

namespace {

std::vector<std::string> examples() {
  std::vector<std::string> texts;
  for (const auto& entry : std::filesystem::directory_iterator(source_directory() / "examples")) {
    if (entry.path().extension() != ".yaml") continue;
    std::ifstream in(entry.path(), std::ios::binary);
    texts.emplace_back(std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>());
  }
  std::sort(texts.begin(), texts.end());
  return texts;
}

std::string mutated(std::string text, Rng& rng, const std::vector<std::string>& others) {
  static constexpr std::string_view pieces[] = {
      "{",      "}",  "[",    "]",  ":",    "\n",  "  ",   "- ",   "\"",    "'",   "*",  "&",   "&a ",      "*a",
      "!file",  "#",  "<<: ", "${", "}",    "|\n", "~",    "\t",   "---\n", "0",   "-1", "@",   "\xC3\xA4", "\x04",
      "999999", "? ", "%",    ", ", "\r\n", ">",   "null", "\xFF", "..",    "$${", "\\", "true"};
  const std::uint64_t edits = rng.between(1, 4);
  for (std::uint64_t i = 0; i < edits && !text.empty(); ++i) {
    const std::size_t at = rng.below(text.size());
    switch (rng.below(5)) {
      case 0: text.erase(at, rng.between(1, 8)); break;
      case 1: text.insert(at, pieces[rng.below(std::size(pieces))]); break;
      case 2: text[at] = static_cast<char>(rng.below(256)); break;
      case 3: text.insert(at, text.substr(rng.below(text.size()), rng.between(1, 60))); break;
      default: {
        const std::string& other = others[rng.below(others.size())];
        text.insert(at, other.substr(rng.below(other.size()), rng.between(1, 80)));
      }
    }
  }
  return text;
}

}  // namespace

TEST_CASE("However a file is damaged, it gives a spec or an error with a line") {
  const std::vector<std::string> texts = examples();
  REQUIRE(texts.size() >= 8);
  const std::string name = (source_directory() / "examples" / "mutated.yaml").string();
  Rng rng(20240611);
  std::size_t accepted = 0;
  std::size_t refused = 0;
  for (int round = 0; round < 3000; ++round) {
    const std::string text = mutated(texts[rng.below(texts.size())], rng, texts);
    const LoadResult result = load_text(text, name);
    const bool has_error = has_errors(result.diagnostics);
    bool sound = (result.spec == nullptr) == has_error;
    for (const Diagnostic& diagnostic : result.diagnostics) {
      sound = sound && diagnostic.line > 0 && diagnostic.column > 0 && !diagnostic.message.empty();
      sound = sound && render(diagnostic).ends_with('\n');
    }
    if (!sound) {
      INFO("round " << round << "\n" << text << "\n" << all_messages(result));
      REQUIRE(sound);
    }
    ++(has_error ? refused : accepted);
  }
  CHECK(accepted > 100);
  CHECK(refused > 1000);
}

TEST_CASE("Ten thousand routes load in every style of writing") {
  std::string block = "listeners: { web: \":1\" }\nupstreams: { app: [\"127.0.0.1:3000\"] }\nroutes:\n";
  std::string lines = block;
  std::string one_line = block.substr(0, block.size() - 1) + " [";
  for (int i = 0; i < 10'000; ++i) {
    block += fmt::format("  - host: h{}.example.com\n    upstream: app\n", i);
    lines += fmt::format("  - {{ host: h{}.example.com, upstream: app }}\n", i);
    one_line += fmt::format("{{ host: h{}.example.com, upstream: app }}, ", i);
  }
  one_line += "]\n";
  for (const std::string& text : {block, lines, one_line}) {
    const auto spec = good(text);
    REQUIRE(spec->routes.size() == 10'000);
    CHECK(spec->routes[9'999].hosts[0] == "h9999.example.com");
    CHECK(spec->routes.capacity() == 10'000);
  }
}

TEST_CASE("Ten thousand mistakes are ten thousand errors") {
  std::string text = with_routes("");
  for (int i = 0; i < 10'000; ++i) text += fmt::format("  - {{ host: h{}.example.com, upstream: ap }}\n", i);
  const LoadResult result = load(text);
  CHECK(result.diagnostics.size() == 10'000);
  CHECK(result.diagnostics.back().line == 10'003);
}
