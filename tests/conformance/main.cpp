// weir_test_conformance: the suite with Catch2's own command line.
#define CATCH_CONFIG_RUNNER
#include "tests/conformance/rig.hpp"

int main(int argc, char** argv) {
  weir::conformance::register_tests();
  return Catch::Session().run(argc, argv);
}
