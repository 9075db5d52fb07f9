#pragma once
// Where the checkout is that a test was built from, for tests that read files of it. __FILE__ does not say: to the
// compiler's cache it is relative to the build. Any thread.

#include <filesystem>

namespace weir::test {

std::filesystem::path source_directory();

}  // namespace weir::test
