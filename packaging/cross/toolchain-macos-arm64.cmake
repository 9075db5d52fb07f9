# macOS on Apple processors; 11 is the first release for them.
set(processor arm64)
set(triple aarch64-macos.11.0)
include(${CMAKE_CURRENT_LIST_DIR}/toolchain-macos.cmake)
