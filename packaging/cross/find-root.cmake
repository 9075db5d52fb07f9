# Included by the toolchain files: libraries and headers come from the cache of build-dependencies and the compiler's own
# folders, programs from this machine. The target's name is in the name of the toolchain file.
if(NOT DEFINED ENV{WEIR_CROSS_PREFIX})
  string(REGEX REPLACE ".*toolchain-(.*)\\.cmake$" "\\1" target "${CMAKE_TOOLCHAIN_FILE}")
  execute_process(COMMAND ${CMAKE_CURRENT_LIST_DIR}/build-dependencies --where ${target}
    OUTPUT_VARIABLE where OUTPUT_STRIP_TRAILING_WHITESPACE COMMAND_ERROR_IS_FATAL ANY)
  if(NOT EXISTS ${where}/complete)
    message(FATAL_ERROR "The libraries for ${target} are missing: packaging/cross/build-dependencies ${target}")
  endif()
  set(ENV{WEIR_CROSS_PREFIX} ${where})
endif()
list(APPEND CMAKE_FIND_ROOT_PATH $ENV{WEIR_CROSS_PREFIX})
set(CMAKE_FIND_ROOT_PATH_MODE_PROGRAM NEVER)
set(CMAKE_FIND_ROOT_PATH_MODE_LIBRARY ONLY)
set(CMAKE_FIND_ROOT_PATH_MODE_INCLUDE ONLY)
set(CMAKE_FIND_ROOT_PATH_MODE_PACKAGE ONLY)
