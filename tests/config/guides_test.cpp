// The guides for those who come from another proxy: what they show for weir is a configuration.
#include "tests/config/support.hpp"

using namespace weir;
using namespace weir::config;
using namespace weir::config::test;

namespace {

// The blocks of a page that are marked as YAML.
std::vector<std::string> yaml_blocks(const std::string& page) {
  constexpr std::string_view fence = "```yaml\n";
  std::vector<std::string> blocks;
  for (std::size_t at = page.find(fence); at != std::string::npos; at = page.find(fence, at)) {
    at += fence.size();
    blocks.push_back(page.substr(at, page.find("```", at) - at));
  }
  return blocks;
}

}  // namespace

TEST_CASE("What the guides show for weir loads without a word") {
  for (const char* name : {"from-nginx.md", "from-haproxy.md", "from-caddy.md"}) {
    INFO(name);
    std::ifstream in(weir::test::source_directory() / "docs" / name, std::ios::binary);
    const std::string page{std::istreambuf_iterator<char>(in), {}};
    const auto blocks = yaml_blocks(page);
    REQUIRE(blocks.size() == 1);
    const LoadResult result = load(blocks[0]);
    INFO(all_messages(result));
    CHECK(result.diagnostics.empty());
    CHECK(result.spec);
  }
}
