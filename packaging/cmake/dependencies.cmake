# Libraries from the distribution. Each is named once, here.
find_package(Threads REQUIRED)
find_package(fmt REQUIRED)
find_package(yaml-cpp REQUIRED)
find_package(CLI11 REQUIRED)
if(WEIR_BUILD_TESTS)
  find_package(Catch2 REQUIRED)
endif()
