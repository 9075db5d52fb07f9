# Windows, 64 bits, with the mingw-w64 compilers that use POSIX threads; one executable without libraries of its own
# beside it. The libraries to link are those of build-dependencies.
set(CMAKE_SYSTEM_NAME Windows)
set(CMAKE_SYSTEM_PROCESSOR x86_64)
set(prefix x86_64-w64-mingw32)
set(CMAKE_C_COMPILER ${prefix}-gcc-posix)
set(CMAKE_CXX_COMPILER ${prefix}-g++-posix)
set(CMAKE_RC_COMPILER ${prefix}-windres)
set(CMAKE_AR ${prefix}-gcc-ar-posix)
set(CMAKE_RANLIB ${prefix}-gcc-ranlib-posix)
set(CMAKE_EXE_LINKER_FLAGS_INIT -static)

# Windows 10 and Server 2016 are the oldest that weir runs on.
add_compile_definitions(_WIN32_WINNT=0x0A00 WINVER=0x0A00 NTDDI_VERSION=0x0A000000)
# Tests run under wine, in the prefix of whoever starts them (tests/wine.py).
find_program(WEIR_WINE wine)
if(WEIR_WINE)
  set(CMAKE_CROSSCOMPILING_EMULATOR ${WEIR_WINE})
endif()
include(${CMAKE_CURRENT_LIST_DIR}/find-root.cmake)
