// The key table, and what is generated from it.
#include <set>

#include "config/keys.hpp"
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

bool is_section_of_scalars(const Object& object) {
  return &object == &keys::limits || &object == &keys::timeouts || &object == &keys::forwarding;
}

}  // namespace

TEST_CASE("The reference page and the schema are those of the key table") {
  INFO("run weir_test_config \"[update]\" to write both files anew");
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
  const std::string base = "listeners: { web: \":1\" }\nroutes: [{ respond: 204 }]\n";
  const auto plain = good(base);
  for (const Object* object : all_objects()) {
    if (!is_section_of_scalars(*object)) continue;
    std::string text = base + std::string(object->name) + ":\n";
    for (const Key& key : object->keys) text += "  " + std::string(key.name) + ": " + std::string(key.fallback) + "\n";
    const auto spec = good(text);
    const proxy::Timeouts& a = spec->timeouts;
    const proxy::Timeouts& b = plain->timeouts;
    CHECK((a.head == b.head && a.keep_alive == b.keep_alive && a.connect == b.connect && a.first_byte == b.first_byte));
    CHECK((a.idle == b.idle && a.total == b.total && a.tunnel == b.tunnel));
    const http::Limits& c = spec->limits;
    const http::Limits& d = plain->limits;
    CHECK((c.request_line == d.request_line && c.header_line == d.header_line && c.head == d.head));
    CHECK((c.header_count == d.header_count && c.trailers == d.trailers));
    const proxy::Forwarding& e = spec->forwarding;
    const proxy::Forwarding& f = plain->forwarding;
    CHECK((e.x_forwarded == f.x_forwarded && e.forwarded == f.forwarded && e.via == f.via &&
           e.via_upstream == f.via_upstream && e.request_id == f.request_id));
    CHECK(e.trusted_proxies.empty());
  }
  const auto others = good(
      base + "runtime: { workers: auto, backend: auto, buffer_size: 32KiB, shutdown: { timeout: 30s, idle: 1s } }\n");
  CHECK(others->runtime.workers == plain->runtime.workers);
  CHECK(others->runtime.backend == plain->runtime.backend);
  CHECK(others->runtime.buffer_size == plain->runtime.buffer_size);
  CHECK(others->runtime.shutdown.timeout == plain->runtime.shutdown.timeout);
  CHECK(others->runtime.shutdown.idle == plain->runtime.shutdown.idle);
  CHECK(plain->server_name == find_key(keys::file, "server_name")->fallback);
  CHECK(proxy::Respond{}.content_type == find_key(keys::respond, "content_type")->fallback);
  CHECK(std::to_string(proxy::Redirect{}.status) == find_key(keys::redirect, "status")->fallback);
  CHECK(std::to_string(proxy::UpstreamSpec{}.max_idle) == find_key(keys::upstream, "max_idle")->fallback);
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
