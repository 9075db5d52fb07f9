#include "tests/support/wine_gaps.hpp"

#include <fstream>

#include "tests/support/catch.hpp"
#ifdef _WIN32
#include <windows.h>
#endif

namespace weir {

bool under_wine() {
#ifdef _WIN32
  const HMODULE library = ::GetModuleHandleA("ntdll.dll");
  return library != nullptr && ::GetProcAddress(library, "wine_get_version") != nullptr;
#else
  return false;
#endif
}

bool wine_gap(const std::string& name) {
  const bool shipped = sizeof WEIR_WINE_GAPS == 1;  // in a selftest: the file is not with it
  if (shipped) return under_wine();
  std::ifstream gaps(WEIR_WINE_GAPS);
  std::string line;
  while (std::getline(gaps, line) && !line.starts_with(name + " | ")) {}
  if (!line.starts_with(name + " | ")) FAIL("no line of tests/support/wine_gaps.txt begins with " << name);
  if (!under_wine()) return false;
  WARN("wine gap: " << line);
  return true;
}

}  // namespace weir
