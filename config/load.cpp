#include "config/load.hpp"

#include "config/build.hpp"
#include "config/include.hpp"
#include "config/overrides.hpp"

namespace weir::config {

namespace {

LoadResult finish(Tree& tree, Node* root, std::optional<Os> os) {
  LoadResult result;
  if (root) {
    result.systems = apply_overrides(tree, *root, os);
    auto spec = std::make_shared<proxy::Spec>();
    Reader reader(tree);
    Builder(reader, *spec).build(*root);
    if (tree.errors() == 0) {
      Builder::fill_addresses(*spec);
      result.spec = std::move(spec);
      result.demands = std::move(reader.demands());
    }
  }
  result.diagnostics = tree.take_diagnostics();
  return result;
}

}  // namespace

LoadResult load_file(const std::filesystem::path& path, std::optional<Os> os) {
  Tree tree;
  Node* root = load_tree(tree, path);
  return finish(tree, root, os);
}

LoadResult load_text(std::string_view text, std::string_view name, std::optional<Os> os) {
  Tree tree;
  Node* root = load_tree(tree, text, name);
  return finish(tree, root, os);
}

}  // namespace weir::config
