// What core/platform makes of Windows' handles and numbers: kinds, the wakeup, errors, command lines, environments.

#include "core/platform/clock.hpp"
#include "core/platform/descriptors.hpp"
#include "core/platform/errors.hpp"
#include "core/platform/names.hpp"
#include "core/platform/sockets.hpp"
#include "core/platform/wakeup.hpp"
#include "core/platform/windows/command_line.hpp"
#include "core/platform/windows/named_pipes.hpp"
#include "core/platform/windows/pipes.hpp"
#include "core/platform/windows/socket_pair.hpp"
#include "core/platform/windows/text.hpp"
#include "core/platform/windows/winsock.hpp"
#include "core/reactor/restrictions.hpp"
#include "tests/support/catch.hpp"
// Behind winsock2.h:
#include <aclapi.h>
#include <sddl.h>
#include <shellapi.h>

#include <algorithm>
#include <thread>
#include <utility>

using namespace weir;

namespace {

struct Opened : Handle {
  ~Opened() {
    if (is_open()) platform::close(*this);
  }
};

Error adopt(Handle& handle, NativeHandle native) {
  OpenSpec spec;
  spec.what = OpenSpec::What::adopt;
  spec.native = native;
  return platform::open(handle, spec);
}

bool readable(const platform::Wakeup& wakeup) {
  fd_set set;
  FD_ZERO(&set);
  FD_SET(platform::socket_of(wakeup.descriptor()), &set);
  timeval now{};
  return ::select(0, &set, nullptr, nullptr, &now) == 1;
}

using Words = std::vector<std::wstring>;

// What the system itself makes of a command line.
Words parsed(const std::wstring& line) {
  int count = 0;
  wchar_t** const words = ::CommandLineToArgvW(line.c_str(), &count);
  REQUIRE(words != nullptr);
  Words found(words, words + count);
  ::LocalFree(words);
  return found;
}

}  // namespace

TEST_CASE("adopted handles are told apart by what they are") {
  const auto pipe = platform::make_pipe(true);
  const auto sockets = platform::make_socket_pair();
  REQUIRE(pipe.has_value());
  REQUIRE(sockets.has_value());
  Opened ours, theirs, socket, other, device;
  REQUIRE_FALSE(adopt(ours, pipe->ours));
  REQUIRE_FALSE(adopt(theirs, pipe->theirs));
  REQUIRE_FALSE(adopt(socket, sockets->read_end));
  REQUIRE_FALSE(adopt(other, sockets->write_end));
  CHECK(ours.kind == HandleKind::pipe);
  CHECK(theirs.kind == HandleKind::pipe);
  CHECK(socket.kind == HandleKind::stream_socket);
  CHECK(socket.shared);
  const HANDLE null = ::CreateFileW(L"NUL", GENERIC_READ, 0, nullptr, OPEN_EXISTING, 0, nullptr);
  REQUIRE_FALSE(adopt(device, platform::native_of(null)));
  CHECK(device.kind == HandleKind::char_device);
  Handle nothing;
  CHECK(adopt(nothing, 0x7ffffff0).code == Errc::bad_descriptor);
}

TEST_CASE("an adopted handle is inherited by nobody") {
  const auto pipe = platform::make_pipe(true);
  REQUIRE(pipe.has_value());
  DWORD flags = 0;
  REQUIRE(::GetHandleInformation(platform::handle_of(pipe->theirs), &flags));
  CHECK((flags & HANDLE_FLAG_INHERIT) != 0);
  Opened ours, theirs;
  REQUIRE_FALSE(adopt(ours, pipe->ours));
  REQUIRE_FALSE(adopt(theirs, pipe->theirs));
  REQUIRE(::GetHandleInformation(platform::handle_of(theirs), &flags));
  CHECK((flags & HANDLE_FLAG_INHERIT) == 0);
}

TEST_CASE("an adopted listener is a listener, and so is a duplicate of one") {
  OpenSpec spec;
  spec.what = OpenSpec::What::listener;
  spec.address = *parse_address("127.0.0.1:0");
  Opened listener, adopted;
  REQUIRE_FALSE(platform::open(listener, spec));
  CHECK(platform::local_address(listener).value().port != 0);
  const auto copy = platform::duplicate(listener.native);
  REQUIRE(copy.has_value());
  REQUIRE_FALSE(adopt(adopted, *copy));
  CHECK(adopted.kind == HandleKind::listener);
}

TEST_CASE("an adopted instance of a named pipe is a listener, before and after its client has come") {
  const std::string name = "weir-platform-" + std::to_string(::GetCurrentProcessId());
  OpenSpec spec;
  spec.what = OpenSpec::What::listener;
  spec.address.family = Family::named_pipe;
  spec.address.path = name;
  Opened listener, adopted, again;
  REQUIRE_FALSE(platform::open(listener, spec));
  REQUIRE_FALSE(adopt(adopted, std::exchange(listener.native, no_native_handle)));
  CHECK(adopted.kind == HandleKind::pipe_listener);
  Opened client;
  client.native = platform::connect_pipe(name);
  client.kind = HandleKind::pipe_stream;
  REQUIRE(client.is_open());
  REQUIRE_FALSE(adopt(again, std::exchange(adopted.native, no_native_handle)));
  CHECK(again.kind == HandleKind::pipe_listener);
  const auto next = platform::make_instance_beside(again);
  REQUIRE(next.has_value());
  Opened beside, second;
  REQUIRE_FALSE(adopt(beside, *next));
  second.native = platform::connect_pipe(name);
  second.kind = HandleKind::pipe_stream;
  CHECK(second.is_open());
}

TEST_CASE("a named pipe is for its owner, administrators and the system") {
  const std::string name = "weir-access-" + std::to_string(::GetCurrentProcessId());
  OpenSpec spec;
  spec.what = OpenSpec::What::listener;
  spec.address.family = Family::named_pipe;
  spec.address.path = name;
  Opened listener;
  REQUIRE_FALSE(platform::open(listener, spec));
  PSECURITY_DESCRIPTOR descriptor = nullptr;
  REQUIRE(::GetSecurityInfo(platform::handle_of(listener), SE_KERNEL_OBJECT, DACL_SECURITY_INFORMATION, nullptr,
                            nullptr, nullptr, nullptr, &descriptor) == ERROR_SUCCESS);
  wchar_t* text = nullptr;
  REQUIRE(::ConvertSecurityDescriptorToStringSecurityDescriptorW(descriptor, SDDL_REVISION_1, DACL_SECURITY_INFORMATION,
                                                                 &text, nullptr));
  const std::string told = platform::to_utf8(text);
  ::LocalFree(text);
  ::LocalFree(descriptor);
  CAPTURE(told);
  CHECK(std::count(told.begin(), told.end(), '(') == 3);
  CHECK(told.find(";;;WD)") == std::string::npos);  // everybody
  CHECK(told.find(";;;AN)") == std::string::npos);  // nobody in particular
  CHECK(told.find(";;;BA)") != std::string::npos);
  CHECK(told.find(";;;SY)") != std::string::npos);
}

TEST_CASE("a listener that would share its address is refused with its rule") {
  OpenSpec spec;
  spec.what = OpenSpec::What::listener;
  spec.address = *parse_address("127.0.0.1:0");
  spec.reuse_port = true;
  Handle listener;
  const Error error = platform::open(listener, spec);
  CHECK(error.code == Errc::not_supported);
  CHECK(error.rule == rule_named("windows-no-reuse-port"));
  CHECK_FALSE(listener.is_open());
}

TEST_CASE("a wakeup is readable from the first signal until it is drained") {
  platform::Wakeup wakeup;
  REQUIRE_FALSE(wakeup.open());
  CHECK_FALSE(readable(wakeup));
  for (int i = 0; i < 200'000; ++i) wakeup.signal();
  CHECK(readable(wakeup));
  wakeup.drain();
  CHECK_FALSE(readable(wakeup));
  std::thread other([&] { wakeup.signal(); });
  other.join();
  CHECK(readable(wakeup));
  wakeup.drain();
}

TEST_CASE("error numbers become portable codes and keep themselves for the log") {
  const std::pair<int, Errc> expected[] = {{WSAECONNRESET, Errc::connection_reset},
                                           {WSAESHUTDOWN, Errc::broken_pipe},
                                           {WSAEMFILE, Errc::descriptor_limit},
                                           {WSAENOBUFS, Errc::out_of_memory},
                                           {WSAEADDRINUSE, Errc::address_in_use},
                                           {WSAEACCES, Errc::permission_denied},
                                           {WSAECONNREFUSED, Errc::connection_refused},
                                           {WSAEWOULDBLOCK, Errc::would_block},
                                           {ERROR_OPERATION_ABORTED, Errc::cancelled},
                                           {ERROR_NETNAME_DELETED, Errc::connection_reset},
                                           {ERROR_BROKEN_PIPE, Errc::broken_pipe},
                                           {ERROR_FILE_NOT_FOUND, Errc::not_found},
                                           {ERROR_ACCESS_DENIED, Errc::permission_denied},
                                           {123456, Errc::unknown}};
  for (const auto& [number, code] : expected) {
    CHECK(platform::error_from(number).code == code);
    CHECK(platform::error_from(number).native == number);
  }
  CHECK_FALSE(platform::error_from(0));
  CHECK(platform::transfer_error(WSAECONNABORTED).code == Errc::connection_reset);
}

TEST_CASE("the clock moves, and its resolution is the system's tick") {
  const TimePoint before = platform::monotonic_now();
  while (platform::monotonic_now() == before) {}
  CHECK(platform::monotonic_now() > before);
  CHECK(platform::monotonic_resolution() >= std::chrono::microseconds{500});
  CHECK(platform::monotonic_resolution() <= std::chrono::milliseconds{16});
  CHECK(platform::wall_now().ns > 1'600'000'000'000'000'000);
}

TEST_CASE("a name is resolved, and what is none has a sentence") {
  const auto found = platform::resolve_host("localhost", 80);
  REQUIRE(found.has_value());
  CHECK(found->front().port == 80);
  const auto missing = platform::resolve_host("no-such-host.invalid", 80);
  REQUIRE_FALSE(missing.has_value());
  CHECK_FALSE(missing.error().empty());
}

TEST_CASE("a program gets back exactly the arguments that it was given") {
  const Words cases[] = {
      {L"prog", L"plain"},
      {L"C:\\Program Files\\prog.exe", L"with space", L""},
      {L"prog", L"\"quoted\"", L"a\\\"b", L"back\\", L"back\\\\", L"end with space\\"},
      {L"prog", L"\\\\server\\share name\\", L"tab\there", L"a\"b c\"d"},
      {L"prog", L"%PATH%", L"&calc", L"^caret", L"\u00e9\u4e2d"},
  };
  for (const Words& words : cases) CHECK(parsed(platform::command_line(words)) == words);
}

TEST_CASE("a batch file's line quotes every argument, and refuses what cmd would read as more than text") {
  const std::wstring cmd = L"C:\\Windows\\System32\\cmd.exe";
  const std::wstring script = L"C:\\checks\\lag check.cmd";
  const Words good{L"--max", L"5 s", L"a&b|c", L"back\\"};
  const auto line = platform::batch_command_line(cmd, script, good);
  REQUIRE(line.has_value());
  CHECK(*line ==
        L"\"C:\\Windows\\System32\\cmd.exe\" /d /e:on /v:off /s /c \"\"C:\\checks\\lag check.cmd\" \"--max\" "
        L"\"5 s\" \"a&b|c\" \"back\\\\\"\"");
  for (const wchar_t* bad : {L"\"&calc.exe", L"%PATH%", L"two\nlines", L"two\rlines"}) {
    CHECK_FALSE(platform::batch_command_line(cmd, script, Words{bad}).has_value());
  }
  CHECK_FALSE(platform::batch_command_line(cmd, L"C:\\100%\\x.cmd", {}).has_value());
}

TEST_CASE("a batch file is known by what the system makes of its name") {
  for (const wchar_t* name : {L"x.cmd", L"x.BAT", L"C:\\a.b\\x.Cmd", L"x.bat.", L"x.cmd. . "}) {
    CHECK(platform::is_batch_file(name));
  }
  for (const wchar_t* name : {L"x.exe", L"cmd", L"bat", L"x.cmd\\y", L""}) CHECK_FALSE(platform::is_batch_file(name));
}

TEST_CASE("an environment keeps this process's variables and replaces by name, whatever its case") {
  ::SetEnvironmentVariableW(L"Weir_Kept", L"kept");
  ::SetEnvironmentVariableW(L"Weir_Replaced", L"old");
  const std::vector<EnvironmentVariable> wanted{{"WEIR_REPLACED", "new"}, {"WEIR_ADDED", "\xc3\xa9"}};
  const auto merged = platform::merged_environment(wanted);
  CHECK(platform::value_in(merged, L"weir_kept") == L"kept");
  CHECK(platform::value_in(merged, L"weir_replaced") == L"new");
  CHECK(platform::value_in(merged, L"WEIR_ADDED") == L"\u00e9");
  CHECK(platform::value_in(merged, L"WEIR_ABSENT").empty());
  CHECK(std::ranges::count_if(
            merged, [](const auto& one) { return platform::to_utf8(one).find("eplaced=") != std::string::npos; }) == 0);
  const std::wstring block = platform::environment_block(merged);
  CHECK(block.ends_with(std::wstring_view(L"\0\0", 2)));
}
