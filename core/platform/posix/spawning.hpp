#pragma once
// What starting a program takes on POSIX, for child processes (child.cpp) and for a successor (successor.cpp).
// Nothing here waits. Any thread.

#include <fcntl.h>
#include <spawn.h>
#include <sys/types.h>
#include <unistd.h>

#include <cstdint>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "core/base/error.hpp"
#include "core/reactor/child.hpp"

namespace weir::platform {

// A descriptor of ours until it was given away.
class Descriptor {
 public:
  explicit Descriptor(int descriptor = -1) noexcept : descriptor_(descriptor) {}
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  Descriptor& operator=(Descriptor&& other) noexcept {
    std::swap(descriptor_, other.descriptor_);
    return *this;
  }
  ~Descriptor() {
    if (descriptor_ >= 0) ::close(descriptor_);
  }

  int get() const noexcept { return descriptor_; }
  int release() noexcept { return std::exchange(descriptor_, -1); }

  // Away from 0, 1 and 2, which are handed out when this process runs without standard streams: the child's own are put
  // there one after the other, and must not fall on one that is still needed.
  bool move_from_standard_streams() noexcept {
    if (descriptor_ > 2) return true;
    const int moved = ::fcntl(descriptor_, F_DUPFD_CLOEXEC, 3);
    if (moved < 0) return false;
    ::close(std::exchange(descriptor_, moved));
    return true;
  }

 private:
  int descriptor_;
};

// A pipe whose ends are not inherited. False: errno says why.
bool make_pipe(Descriptor& read_end, Descriptor& write_end) noexcept;

// For argv and environment, with the null at the end. The strings stay in place meanwhile.
std::vector<char*> pointers_to(std::span<const std::string> strings);

// This process's environment with the wanted variables in it, as NAME=value.
std::vector<std::string> merged_environment(std::span<const EnvironmentVariable> wanted);

// The file to execute, searched for in the PATH of the environment.
Error find_program(const std::string& name, const std::vector<std::string>& environment, std::string& found);

// What posix_spawn is told, and the first thing that went wrong in telling it. Frees both.
class SpawnOrders {
 public:
  SpawnOrders() noexcept;
  SpawnOrders(const SpawnOrders&) = delete;
  SpawnOrders& operator=(const SpawnOrders&) = delete;
  ~SpawnOrders();

  bool good() const noexcept { return result_ == 0; }
  void note(int result) noexcept {
    if (result_ == 0) result_ = result;
  }
  posix_spawnattr_t* attributes() noexcept { return &attributes_; }         // once good
  posix_spawn_file_actions_t* actions() noexcept { return &actions_; }
  Error carry_out(const std::string& program, char** argv, char** environment, pid_t& id) noexcept;

 private:
  enum class Made : std::uint8_t { nothing, attributes, both };

  posix_spawnattr_t attributes_;
  posix_spawn_file_actions_t actions_;
  Made made_ = Made::nothing;
  int result_ = 0;
};

}  // namespace weir::platform
