// When a file that is looked at now and then counts as changed.
#include "daemon/file_watch.hpp"

#include <chrono>
#include <filesystem>
#include <fstream>
#include <random>
#include <string>

#include "tests/support/catch.hpp"

using namespace weir::daemon;

namespace {

FileStamp state(int number) {
  FileStamp stamp;
  stamp.target = "/etc/weir.yaml";
  stamp.size = static_cast<std::uintmax_t>(number);
  return stamp;
}

}  // namespace

TEST_CASE("a change counts once, when the file has stopped changing") {
  FileWatch watch(state(1));
  CHECK_FALSE(watch.has_settled(state(1)));
  CHECK_FALSE(watch.has_settled(state(2)));
  CHECK_FALSE(watch.has_settled(state(3)));  // it is being written
  CHECK(watch.has_settled(state(3)));
  CHECK_FALSE(watch.has_settled(state(3)));
}

TEST_CASE("a file that is gone has not changed, and one that comes back the same neither") {
  FileWatch watch(state(1));
  for (int look = 0; look < 3; ++look) CHECK_FALSE(watch.has_settled({}));
  CHECK_FALSE(watch.has_settled(state(1)));
  CHECK_FALSE(watch.has_settled(state(1)));
  CHECK_FALSE(watch.has_settled({}));
  CHECK_FALSE(watch.has_settled(state(2)));
  CHECK(watch.has_settled(state(2)));
}

TEST_CASE("the stamp of a file changes with its size, its time and where it is") {
  namespace fs = std::filesystem;
  const fs::path folder = fs::temp_directory_path() / ("weir-file-watch-" + std::to_string(std::random_device{}()));
  fs::create_directories(folder);
  const std::string file = (folder / "a.yaml").string();
  CHECK(stamp_of(file) == FileStamp{});
  std::ofstream(file) << "one";
  const FileStamp first = stamp_of(file);
  CHECK_FALSE(first == FileStamp{});
  CHECK(stamp_of(file) == first);
  std::ofstream(file) << "three";
  CHECK_FALSE(stamp_of(file) == first);
  std::ofstream(file) << "two";
  fs::last_write_time(file, first.written + std::chrono::seconds{5});
  CHECK_FALSE(stamp_of(file) == first);
  fs::last_write_time(file, first.written);
  CHECK(stamp_of(file) == first);
  fs::rename(file, folder / "b.yaml");
  CHECK_FALSE(stamp_of((folder / "b.yaml").string()) == first);
  fs::remove_all(folder);
}
