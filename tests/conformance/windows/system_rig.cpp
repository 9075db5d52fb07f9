// The rig of Windows: backends by their registry, sockets and handles.

#include "tests/conformance/rig.hpp"
// Before windows.h, which has names of its own for common words.
#include <cstdlib>
#include <cwchar>
#include <string>

#include "core/backends/registry.hpp"
#include "core/platform/sockets.hpp"
#include "core/platform/windows/socket_pair.hpp"
#include "core/platform/windows/text.hpp"
#include "core/platform/windows/winsock.hpp"
#include "tests/support/test_child.hpp"

namespace weir::conformance {
namespace {

using platform::handle_of;
using platform::native_of;
using platform::socket_of;

std::unique_ptr<Backend> make_system_backend(std::string_view name) {
  auto backend = make_backend(name);
  if (!backend) FAIL(backend.error());
  return std::move(*backend);
}

SOCKET datagram_socket(sockaddr_in& name) {
  const SOCKET socket = ::WSASocketW(AF_INET, SOCK_DGRAM, IPPROTO_UDP, nullptr, 0, WSA_FLAG_OVERLAPPED);
  REQUIRE(socket != INVALID_SOCKET);
  name = {};
  name.sin_family = AF_INET;
  name.sin_addr.s_addr = ::htonl(INADDR_LOOPBACK);
  int size = sizeof name;
  REQUIRE(::bind(socket, reinterpret_cast<const sockaddr*>(&name), size) == 0);
  REQUIRE(::getsockname(socket, reinterpret_cast<sockaddr*>(&name), &size) == 0);
  return socket;
}

class SystemRig final : public Rig {
 public:
  explicit SystemRig(std::string_view name) : Rig(name, make_system_backend(name)) {}

  bool simulated() const noexcept override { return false; }
  Address any_port() override { return parse_address("127.0.0.1:0").value(); }
  Address address_of(const Handle& listener) override { return platform::local_address(listener).value(); }

  Natives make_pipe() override {
    static int number = 0;
    const std::wstring name =
        L"\\\\.\\pipe\\weir-conformance-" + std::to_wstring(::GetCurrentProcessId()) + L"-" + std::to_wstring(++number);
    const HANDLE reader = ::CreateNamedPipeW(name.c_str(), PIPE_ACCESS_INBOUND | FILE_FLAG_OVERLAPPED,
                                             PIPE_TYPE_BYTE | PIPE_WAIT, 1, 4096, 4096, 0, nullptr);
    REQUIRE(reader != INVALID_HANDLE_VALUE);
    const HANDLE writer =
        ::CreateFileW(name.c_str(), GENERIC_WRITE, 0, nullptr, OPEN_EXISTING, FILE_FLAG_OVERLAPPED, nullptr);
    REQUIRE(writer != INVALID_HANDLE_VALUE);
    return {native_of(reader), native_of(writer)};
  }
  Natives make_sockets() override {
    const auto pair = platform::make_socket_pair();
    REQUIRE(pair.has_value());
    return {pair->read_end, pair->write_end};
  }
  Natives make_char_device() override {
    const HANDLE null = ::CreateFileW(L"NUL", GENERIC_READ | GENERIC_WRITE, FILE_SHARE_READ | FILE_SHARE_WRITE, nullptr,
                                      OPEN_EXISTING, FILE_FLAG_OVERLAPPED, nullptr);
    REQUIRE(null != INVALID_HANDLE_VALUE);
    return {native_of(null), no_native_handle};
  }
  Natives make_foreign() override {
    sockaddr_in first_name, second_name;
    const SOCKET first = datagram_socket(first_name);
    const SOCKET second = datagram_socket(second_name);
    REQUIRE(::connect(first, reinterpret_cast<const sockaddr*>(&second_name), sizeof second_name) == 0);
    REQUIRE(::connect(second, reinterpret_cast<const sockaddr*>(&first_name), sizeof first_name) == 0);
    return {native_of(first), native_of(second)};
  }
  void poke(Handle& other) override { REQUIRE(::send(socket_of(other), "x", 1, 0) == 1); }
  NativeHandle make_regular_file() override {
    wchar_t folder[MAX_PATH], name[MAX_PATH];
    REQUIRE(::GetTempPathW(MAX_PATH, folder) > 0);
    REQUIRE(::GetTempFileNameW(folder, L"wei", 0, name) > 0);
    const HANDLE file = ::CreateFileW(name, GENERIC_READ | GENERIC_WRITE, 0, nullptr, OPEN_EXISTING,
                                      FILE_FLAG_DELETE_ON_CLOSE | FILE_FLAG_OVERLAPPED, nullptr);
    REQUIRE(file != INVALID_HANDLE_VALUE);
    return native_of(file);
  }
  void discard(NativeHandle native) override {
    if (native == no_native_handle) return;
    int type = 0;
    int size = sizeof type;
    if (::getsockopt(socket_of(native), SOL_SOCKET, SO_TYPE, reinterpret_cast<char*>(&type), &size) == 0) {
      ::closesocket(socket_of(native));
    } else {
      ::CloseHandle(handle_of(native));
    }
  }

  void narrow(Handle& stream) override {
    const int bytes = 4096;
    ::setsockopt(socket_of(stream), SOL_SOCKET, SO_SNDBUF, reinterpret_cast<const char*>(&bytes), sizeof bytes);
  }
  void leave_descriptors(std::size_t) override { FAIL("Windows has no limit of descriptors"); }
  void restore_descriptors() override {}
  void fail_starts(bool) override { FAIL("no system can be told to"); }
  std::string test_child() override { return test_child_path(); }
};

// Set in a process that was started to see how it ends: the number of the call, within its test.
constexpr const char* doomed = "WEIR_TEST_DOOMED";

// The process's own program, with nothing but this test.
DWORD run_this_test_alone() {
  wchar_t program[MAX_PATH];
  REQUIRE(::GetModuleFileNameW(nullptr, program, MAX_PATH) > 0);
  std::wstring line = L"\"" + std::wstring(program) + L"\" \"";
  for (const wchar_t c : platform::to_wide(Catch::getResultCapture().getCurrentTestName())) {
    if (c == L',' || c == L'[') line.append(L"\\");  // else they would part or group names
    line.push_back(c);
  }
  line.push_back(L'"');
  STARTUPINFOW startup{};
  startup.cb = sizeof startup;
  startup.dwFlags = STARTF_USESTDHANDLES;  // and none of them: it may fail without a word
  PROCESS_INFORMATION made{};
  REQUIRE(::CreateProcessW(nullptr, line.data(), nullptr, nullptr, FALSE, 0, nullptr, nullptr, &startup, &made));
  ::WaitForSingleObject(made.hProcess, INFINITE);
  DWORD code = 0;
  ::GetExitCodeProcess(made.hProcess, &code);
  ::CloseHandle(made.hThread);
  ::CloseHandle(made.hProcess);
  return code;
}

}  // namespace

std::unique_ptr<Rig> make_system_rig(std::string_view name) { return std::make_unique<SystemRig>(name); }

// There is no fork: the test is run once more, from its start, in a process that knows which call it is for.
static DWORD status_alone(const std::function<void()>& function) {
  static int calls = 0;  // of the test that is running
  static std::string test;
  if (test != Catch::getResultCapture().getCurrentTestName()) calls = 0;
  test = Catch::getResultCapture().getCurrentTestName();
  ++calls;
  const char* const wanted = std::getenv(doomed);
  if (wanted != nullptr) {
    if (std::to_string(calls) != wanted) return 0;  // an earlier one
    try {
      function();
    } catch (...) { std::_Exit(1); }
    std::_Exit(0);
  }
  ::_putenv_s(doomed, std::to_string(calls).c_str());
  const DWORD code = run_this_test_alone();
  ::_putenv_s(doomed, "");
  return code;
}

bool aborts(const std::function<void()>& function) {
  constexpr DWORD aborted = 3;  // what the C runtime's abort() exits with
  return status_alone(function) == aborted;
}

bool started_for_one_test() noexcept {
  const char* const wanted = std::getenv(doomed);
  return wanted != nullptr && *wanted != '\0';
}

bool succeeds_alone(const std::function<void()>& function) { return status_alone(function) == 0; }

}  // namespace weir::conformance
