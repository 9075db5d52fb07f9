#include "tests/support/source_directory.hpp"

namespace weir::test {

std::filesystem::path source_directory() { return WEIR_SOURCE_DIRECTORY; }

}  // namespace weir::test
