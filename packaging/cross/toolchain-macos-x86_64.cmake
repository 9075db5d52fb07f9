# macOS on Intel processors, from the same release on as for Apple's.
set(processor x86_64)
set(triple x86_64-macos.11.0)
include(${CMAKE_CURRENT_LIST_DIR}/toolchain-macos.cmake)
