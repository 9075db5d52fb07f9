#include "core/platform/threads.hpp"

#include <algorithm>
#include <bit>
#include <new>

#include "core/platform/windows/text.hpp"
#include "core/platform/windows/winsock.hpp"

namespace weir::platform {
namespace {

using SetDescription = HRESULT(WINAPI*)(HANDLE, PCWSTR);

// Windows Server 2016 has it in another library than later ones: ask.
SetDescription set_description() noexcept {
  for (const wchar_t* library : {L"kernel32.dll", L"KernelBase.dll"}) {
    const HMODULE module = ::GetModuleHandleW(library);
    if (module == nullptr) continue;
    if (const FARPROC found = ::GetProcAddress(module, "SetThreadDescription")) {
      return reinterpret_cast<SetDescription>(reinterpret_cast<void*>(found));
    }
  }
  return nullptr;
}

}  // namespace

void name_thread(const std::string& name) noexcept {
  static const SetDescription function = set_description();
  if (function == nullptr) return;
  try {
    function(::GetCurrentThread(), to_wide(name).c_str());
  } catch (const std::bad_alloc&) {}  // a name is a help, no more
}

// Those of one processor group, which is where the threads of a process run unless they ask for more.
std::size_t usable_processors() noexcept {
  DWORD_PTR ours = 0, all = 0;
  if (!::GetProcessAffinityMask(::GetCurrentProcess(), &ours, &all)) return 1;
  return static_cast<std::size_t>(std::max(1, std::popcount(std::uint64_t{ours})));
}

}  // namespace weir::platform
