// libFuzzer's entry point of the target that the build names in WEIR_FUZZ_TARGET.

#include <cstddef>
#include <cstdint>

#include "tests/fuzz/targets.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  weir::fuzz::WEIR_FUZZ_TARGET({reinterpret_cast<const char*>(data), size});
  return 0;
}
