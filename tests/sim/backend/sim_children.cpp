#include "tests/sim/backend/sim_children.hpp"

#include <algorithm>
#include <utility>

#include "core/base/assert.hpp"
#include "tests/sim/backend/sim_backend.hpp"
#include "tests/sim/backend/sim_network.hpp"

namespace weir::sim {
namespace {

constexpr std::uint32_t signal_kill = 9;
constexpr std::uint32_t signal_pipe = 13;

}  // namespace

SimChildren::~SimChildren() = default;

const SimChildren::Behaviour* SimChildren::find(const std::string& name) const {
  const auto found = programs_.find(name);
  return found == programs_.end() ? nullptr : &found->second;
}

SimChildren::Process& SimChildren::add(SimProgram program) {
  auto process = std::make_unique<Process>();
  process->id = next_id_++;
  process->program = std::move(program);
  ++started_;
  Process& added = *process;
  processes_.emplace(added.id, std::move(process));
  return added;
}

SimChildren::Process& SimChildren::get(std::uint32_t id) {
  const auto found = processes_.find(id);
  WEIR_VERIFY(found != processes_.end());
  return *found->second;
}

std::size_t SimChildren::running() const noexcept {
  return static_cast<std::size_t>(
      std::count_if(processes_.begin(), processes_.end(), [](const auto& entry) { return !entry.second->ended; }));
}

void SimChildren::stir(std::uint32_t id) {
  const Duration moment{static_cast<std::int64_t>(world_.rng().below(50'000))};
  world_.at(world_.now() + moment, [this, id] {
    if (processes_.contains(id)) go_on(id);
  });
}

void SimChildren::go_on(std::uint32_t id) {
  Process& process = get(id);
  if (process.ended || process.working) return;
  Object* const err = process.merged ? process.out : process.err;
  if (!write(process, process.out, process.program.out) || !write(process, err, process.program.err)) return;
  if (process.program.copies_input && !copy(process)) return;
  process.working = true;
  if (process.program.never_ends) return;
  world_.at(world_.now() + process.program.takes, [this, id] {
    const auto found = processes_.find(id);
    if (found == processes_.end() || found->second->ended) return;
    const SimProgram& program = found->second->program;
    end(*found->second, {program.signal != 0 ? 0 : program.code, program.signal});
  });
}

// True when all of it has been taken. Writing without a reader ends the process.
bool SimChildren::write(Process& process, Object* to, std::string& text) {
  if (to == nullptr) text.clear();
  while (!text.empty()) {
    const IoSlice slice{std::string_view(text)};
    const SimNetwork::IoResult result = world_.network().write(*to, &slice, 1);
    if (result.what == SimNetwork::Io::would_block) return false;
    if (result.what == SimNetwork::Io::failed) {
      end(process, {0, signal_pipe});
      return false;
    }
    text.erase(0, result.bytes);
  }
  return true;
}

bool SimChildren::copy(Process& process) {
  char bytes[4096];
  while (process.in != nullptr) {
    const SimNetwork::IoResult result = world_.network().read(*process.in, bytes, sizeof bytes);
    if (result.what == SimNetwork::Io::would_block) return false;
    if (result.bytes == 0) break;
    process.program.out.append(bytes, result.bytes);
    if (!write(process, process.out, process.program.out)) return false;
  }
  return true;
}

void SimChildren::end(Process& process, ExitStatus status) {
  process.ended = true;
  process.status = status;
  world_.trace(TraceKind::child, 0, process.id, std::uint64_t{status.signal} << 32 | status.code);
  if (!process.program.leaves_descendant || status.signal == signal_kill) let_go(process);
  if (process.self != nullptr && process.self->attached != nullptr) {
    process.self->attached->fire(*process.self, Direction::in);
  }
}

void SimChildren::let_go(Process& process) {
  for (Object** end : {&process.in, &process.out, &process.err}) {
    if (Object* const object = std::exchange(*end, nullptr)) world_.network().remove(*object);
  }
}

// Signals arrive a moment later.
void SimChildren::kill_tree(std::uint32_t id) {
  const Duration moment{static_cast<std::int64_t>(world_.rng().below(50'000))};
  world_.at(world_.now() + moment, [this, id] {
    const auto found = processes_.find(id);
    if (found == processes_.end()) return;
    Process& process = *found->second;
    if (process.ended) {
      let_go(process);  // the descendants'
    } else {
      end(process, {0, signal_kill});
    }
    if (process.self == nullptr) processes_.erase(found);
  });
}

// The strictest backend: closing a child that could have been awaited, and was not, is a bug of its owner.
void SimChildren::reap(std::uint32_t id, bool was_attached) {
  Process& process = get(id);
  WEIR_VERIFY(process.awaited || !was_attached);
  process.self = nullptr;
  if (!process.ended) end(process, {0, signal_kill});
  const bool descendants = process.in != nullptr || process.out != nullptr || process.err != nullptr;
  if (!descendants) processes_.erase(id);
}

// --- what the interface asks for ---

void SimBackend::take_pipe(Handle* ours, Object*& childs, bool child_reads, std::uint32_t process) noexcept {
  if (ours == nullptr) return;
  Object& read_end = world_.network().add(ObjectKind::pipe, *this);
  Object& write_end = world_.network().add(ObjectKind::pipe, *this);
  world_.network().join_pair(read_end, write_end);
  childs = child_reads ? &read_end : &write_end;
  childs->process = process;
  childs->taken = true;
  take(*ours, child_reads ? write_end : read_end);
  ++open_handles_;
}

Error SimBackend::spawn(ChildProcess& child, const SpawnSpec& spec) noexcept {
  WEIR_VERIFY(!child.is_open() && !spec.argv.empty());
  WEIR_VERIFY(!spec.merge_stderr || spec.stderr_from == nullptr);
  ++world_.activity_;
  if (const Ruling allowed = capabilities_[Feature::child_processes]; !allowed.allowed) return refused(allowed.rule);
  std::uint32_t wanted = 1;
  for (const Handle* handle : {spec.stdin_to, spec.stdout_from, spec.stderr_from}) {
    WEIR_VERIFY(handle == nullptr || !handle->is_open());
    if (handle != nullptr) ++wanted;
  }
  if (profile_.max_descriptors != 0 && open_handles_ + wanted > profile_.max_descriptors) return Errc::descriptor_limit;
  Rng& rng = world_.rng();
  if (rng.chance(world_.faults(id_, 0).spawn_failure)) {
    return rng.chance(0.5) ? Errc::descriptor_limit : Errc::out_of_memory;
  }
  SimChildren& children = world_.children();
  const SimChildren::Behaviour* behaviour = children.find(spec.argv[0]);
  if (behaviour == nullptr) return Errc::not_found;

  SimChildren::Process& process = children.add((*behaviour)(spec));
  process.merged = spec.merge_stderr;
  take_pipe(spec.stdin_to, process.in, true, process.id);
  take_pipe(spec.stdout_from, process.out, false, process.id);
  take_pipe(spec.stderr_from, process.err, false, process.id);
  process.self = &world_.network().add(ObjectKind::child, *this);
  process.self->process = process.id;
  take(child, *process.self);
  ++open_handles_;
  child.id = process.id;
  world_.trace(TraceKind::child, id_, process.id);
  children.stir(process.id);
  return {};
}

void SimBackend::kill_tree(ChildProcess& child) noexcept {
  ++world_.activity_;
  if (child.id != 0) world_.children().kill_tree(child.id);
}

bool SimBackend::attempt_wait_child(Op& op) noexcept {
  SimChildren::Process& process = world_.children().get(object_of(*op.handle).process);
  if (!process.ended) return false;
  process.awaited = true;
  *op.child.status = process.status;
  return true;
}

}  // namespace weir::sim
