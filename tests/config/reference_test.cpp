// The key table, and what is generated from it.
#include <set>

#include "config/keys.hpp"
#include "config/text.hpp"
#include "config/tree.hpp"
#include "tests/config/support.hpp"

using namespace weir;
using namespace weir::config;
using namespace weir::config::test;

namespace {

std::string read(const std::filesystem::path& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

void write(const std::filesystem::path& path, const std::string& text) {
  std::ofstream(path, std::ios::binary) << text;
}

void collect_keys(const Node& node, std::set<std::string>& out) {
  if (node.kind == Kind::map) {
    for (const Node* key = node.first; key; key = key->next->next) {
      out.emplace(key->view());
      collect_keys(*key->next, out);
    }
  }
  if (node.kind == Kind::list) {
    for (const Node* at = node.first; at; at = at->next) collect_keys(*at, out);
  }
}

// Whether the key has a member; then its default must be that of the member.
bool check_default(const Key&, std::monostate) { return false; }
template <class Owner>
bool check_default(const Key& key, Duration Owner::*member) {
  CHECK(parse_duration(key.fallback).value == Owner{}.*member);
  return true;
}
template <class Owner>
bool check_default(const Key& key, bool Owner::*member) {
  CHECK((key.fallback == "true") == Owner{}.*member);
  return true;
}
template <class Owner>
bool check_default(const Key& key, std::uint32_t Owner::*member) {
  CHECK(key.fallback == std::to_string(Owner{}.*member));
  return true;
}

}  // namespace

TEST_CASE("The reference page and the schema are those of the key table") {
  INFO("run weir_test_config \"[update]\" to rewrite both files");
  CHECK(read(source_directory() / "reference.md") == reference_markdown());
  CHECK(read(source_directory() / "weir.schema.json") == json_schema());
}

TEST_CASE("Write the reference page and the schema anew", "[.][update]") {
  write(source_directory() / "reference.md", reference_markdown());
  write(source_directory() / "weir.schema.json", json_schema());
  CHECK(read(source_directory() / "reference.md") == reference_markdown());
}

TEST_CASE("The schema is JSON") {
  Tree tree;  // every JSON text of this kind is YAML as well
  const Node* root = tree.parse("schema", {}, json_schema());
  REQUIRE(root);
  CHECK(tree.errors() == 0);
  const Node* properties = find(*root, "properties");
  REQUIRE(properties);
  CHECK(properties->size == keys::file.keys.size());
}

TEST_CASE("Every key of the table stands in the example that has all of them") {
  Tree tree;
  const Node* root = tree.parse("every-key.yaml", {}, read(source_directory() / "examples" / "every-key.yaml"));
  REQUIRE(root);
  std::set<std::string> used;
  collect_keys(*root, used);
  for (const Object* object : all_objects()) {
    for (const Key& key : object->keys) {
      INFO(object->name << "." << key.name);
      CHECK(used.contains(std::string(key.name)));
    }
  }
}

TEST_CASE("Every key has an explanation, and a key of the table is known to the reader") {
  for (const Object* object : all_objects()) {
    for (const Key& key : object->keys) {
      INFO(object->name << "." << key.name);
      CHECK(key.doc.ends_with('.'));
      CHECK(((key.type == Type::object || key.type == Type::map_of || key.type == Type::list_of) ==
             (key.object != nullptr)));
      CHECK(((key.type == Type::choice) == !key.choices.empty()));
      CHECK(key.low <= key.high);
    }
  }
}

TEST_CASE("The defaults of the table are those of the Spec") {
  std::size_t compared = 0;
  for (const Object* object : all_objects()) {
    for (const Key& key : object->keys) {
      if (key.fallback.empty()) continue;
      INFO(object->name << "." << key.name);
      std::visit([&](auto member) { compared += check_default(key, member) ? 1 : 0; }, key.member);
    }
  }
  CHECK(compared >= 28);
  const auto text_of_key = [](const Object& object, std::string_view name) { return find_key(object, name)->fallback; };
  const http::Limits limits;
  CHECK(size_text(limits.request_line) == text_of_key(keys::limits, "request_line"));
  CHECK(size_text(limits.header_line) == text_of_key(keys::limits, "header_line"));
  CHECK(size_text(limits.head) == text_of_key(keys::limits, "head"));
  CHECK(size_text(limits.trailers) == text_of_key(keys::limits, "trailers"));
  CHECK(std::to_string(limits.header_count) == text_of_key(keys::limits, "header_count"));
  CHECK(size_text(proxy::Runtime{}.buffer_size) == text_of_key(keys::runtime, "buffer_size"));
  CHECK(proxy::Runtime{}.backend == text_of_key(keys::runtime, "backend"));
  CHECK(proxy::Runtime{}.control == text_of_key(keys::runtime, "control"));
  CHECK(duration_text(proxy::HealthCheckSpec{}.interval) == text_of_key(keys::health_check, "interval"));
  CHECK(duration_text(proxy::HealthCheckSpec{}.timeout) == text_of_key(keys::health_check, "timeout"));
  CHECK(proxy::Spec{}.server_name == text_of_key(keys::file, "server_name"));
  CHECK(proxy::Respond{}.content_type == text_of_key(keys::respond, "content_type"));
  CHECK(std::to_string(proxy::Redirect{}.status) == text_of_key(keys::redirect, "status"));
}

TEST_CASE("Every example loads without a word") {
  std::size_t count = 0;
  for (const auto& entry : std::filesystem::directory_iterator(source_directory() / "examples")) {
    if (entry.path().extension() != ".yaml") continue;
    ++count;
    const LoadResult result = load_file(entry.path());
    INFO(all_messages(result));
    CHECK(result.diagnostics.empty());
    CHECK(result.spec);
  }
  CHECK(count >= 8);
}
