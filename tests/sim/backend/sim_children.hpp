#pragma once
// SimChildren: the child processes of a SimWorld. A test registers programs under the name that argv[0] will have; each
// start asks the program what this run of it does. A run writes, copies, takes its (virtual) time and ends; whatever it
// started may keep its streams open. The rest is for SimBackend. One thread.

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>

#include "core/reactor/child.hpp"
#include "tests/sim/backend/sim_world.hpp"

namespace weir::sim {

struct Object;

// What one run does, in this order.
struct SimProgram {
  std::string out, err;          // written as fast as the pipes take it; a pipe without a reader ends it by SIGPIPE
  bool copies_input = false;     // then stdin goes to stdout until its end
  Duration takes{1'000'000};     // then it works for so long
  bool never_ends = false;       // until it is killed
  std::uint32_t code = 0;        // what it returns,
  std::uint32_t signal = 0;      // or what ends it
  bool leaves_descendant = false;  // something that it started holds its streams until the tree is killed
};

class SimChildren {
 public:
  explicit SimChildren(SimWorld& world) noexcept : world_(world) {}
  SimChildren(const SimChildren&) = delete;
  SimChildren& operator=(const SimChildren&) = delete;
  ~SimChildren();

  // --- for tests ---
  // The spec, alive during the call, tells with what the program was started.
  using Behaviour = std::function<SimProgram(const SpawnSpec& spec)>;
  void install(std::string name, Behaviour behaviour) { programs_[std::move(name)] = std::move(behaviour); }
  void install(std::string name, SimProgram program) {
    install(std::move(name), [program = std::move(program)](const SpawnSpec&) { return program; });
  }
  std::uint64_t started() const noexcept { return started_; }
  std::size_t running() const noexcept;       // have not ended
  std::size_t processes() const noexcept { return processes_.size(); }  // zombies and descendants included

  // --- for SimBackend ---
  struct Process {
    std::uint32_t id = 0;
    SimProgram program;
    Object* self = nullptr;  // what the parent holds; null once it has closed it
    Object* in = nullptr;    // its ends of pipes; null: the null device, or closed
    Object* out = nullptr;
    Object* err = nullptr;
    bool merged = false;
    bool working = false;    // everything is written and copied, the end is a matter of time
    bool ended = false;
    bool awaited = false;    // the parent has the status
    ExitStatus status;
  };
  const Behaviour* find(const std::string& name) const;
  Process& add(SimProgram program);
  Process& get(std::uint32_t id);
  void stir(std::uint32_t id);  // it may be able to go on: looks a moment later
  void kill_tree(std::uint32_t id);
  void reap(std::uint32_t id, bool was_attached);

 private:
  void go_on(std::uint32_t id);
  bool write(Process& process, Object* to, std::string& text);
  bool copy(Process& process);
  void end(Process& process, ExitStatus status);
  void let_go(Process& process);  // of its streams

  SimWorld& world_;
  std::map<std::string, Behaviour, std::less<>> programs_;
  std::map<std::uint32_t, std::unique_ptr<Process>> processes_;  // gone when reaped and without descendants
  std::uint32_t next_id_ = 1000;
  std::uint64_t started_ = 0;
};

}  // namespace weir::sim
