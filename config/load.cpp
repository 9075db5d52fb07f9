#include "config/load.hpp"

#include "config/build.hpp"
#include "config/include.hpp"

namespace weir::config {

namespace {

LoadResult finish(Tree& tree, Node* root) {
  LoadResult result;
  if (root) {
    auto spec = std::make_shared<proxy::Spec>();
    Reader reader(tree);
    Builder(reader, *spec).build(*root);
    if (tree.errors() == 0) {
      Builder::fill_addresses(*spec);
      result.spec = std::move(spec);
    }
  }
  result.diagnostics = tree.take_diagnostics();
  return result;
}

}  // namespace

LoadResult load_file(const std::filesystem::path& path) {
  Tree tree;
  Node* root = load_tree(tree, path);
  return finish(tree, root);
}

LoadResult load_text(std::string_view text, std::string_view name) {
  Tree tree;
  Node* root = load_tree(tree, text, name);
  return finish(tree, root);
}

}  // namespace weir::config
