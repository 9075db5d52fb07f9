# macOS with zig as the compiler and linker; included by the toolchain file of each processor, which sets `processor` and
# `triple`. The C++ library is zig's, linked in; only the system's own libraries are needed there. The libraries to link
# are those of build-dependencies.
set(CMAKE_SYSTEM_NAME Darwin)
set(CMAKE_SYSTEM_PROCESSOR ${processor})
set(CMAKE_C_COMPILER ${CMAKE_CURRENT_LIST_DIR}/zig/zig-cc)
set(CMAKE_CXX_COMPILER ${CMAKE_CURRENT_LIST_DIR}/zig/zig-c++)
set(CMAKE_C_COMPILER_TARGET ${triple})
set(CMAKE_CXX_COMPILER_TARGET ${triple})
set(CMAKE_AR ${CMAKE_CURRENT_LIST_DIR}/zig/zig-ar)
set(CMAKE_RANLIB ${CMAKE_CURRENT_LIST_DIR}/zig/zig-ranlib)
# Nothing is installed with a changed library path, and there is no SDK: zig brings the headers.
set(CMAKE_INSTALL_NAME_TOOL false)
set(CMAKE_OSX_SYSROOT "")
set(CMAKE_OSX_DEPLOYMENT_TARGET "")
# A check that links would have zig build its C++ library not optimised too.
set(CMAKE_TRY_COMPILE_TARGET_TYPE STATIC_LIBRARY)
include(${CMAKE_CURRENT_LIST_DIR}/find-root.cmake)
