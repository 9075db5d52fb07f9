// Whether a stream goes to the journal, on real ones.

#include "systemd/journal.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/support/catch.hpp"

using namespace weir::systemd;

namespace {

// JOURNAL_STREAM as systemd sets it for a service whose output is this stream.
Environment with_journal_at(int descriptor) {
  struct stat found{};
  REQUIRE(::fstat(descriptor, &found) == 0);
  Environment environment;
  environment.journal_stream = fmt::format("{}:{}", found.st_dev, found.st_ino);
  return environment;
}

}  // namespace

TEST_CASE("the stream that JOURNAL_STREAM names leads to the journal, and no other") {
  int journal[2];
  int other[2];
  REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, journal) == 0);
  REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, other) == 0);
  const Environment environment = with_journal_at(journal[0]);
  CHECK(leads_to_journal(environment, journal[0]));
  CHECK_FALSE(leads_to_journal(environment, other[0]));

  // Redirected after systemd had started the service: the variable is still there.
  const int stream = ::fcntl(journal[0], F_DUPFD_CLOEXEC, 0);
  CHECK(leads_to_journal(environment, stream));
  REQUIRE(::dup2(other[0], stream) == stream);
  CHECK_FALSE(leads_to_journal(environment, stream));
  for (const int each : {journal[0], journal[1], other[0], other[1], stream}) ::close(each);
  CHECK_FALSE(leads_to_journal(environment, stream));
}

TEST_CASE("without JOURNAL_STREAM nothing leads to the journal") {
  CHECK_FALSE(stderr_leads_to_journal(Environment{}));
  Environment malformed;
  malformed.journal_stream = "journal";
  CHECK_FALSE(stderr_leads_to_journal(malformed));
  CHECK(stderr_leads_to_journal(with_journal_at(2)));
}
