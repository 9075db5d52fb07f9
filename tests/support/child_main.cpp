#include "tests/support/test_child.hpp"

int main(int count, char** argv) { return weir::test_child_main(count, argv); }
