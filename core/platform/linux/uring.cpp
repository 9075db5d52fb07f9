#include "core/platform/linux/uring.hpp"

#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstring>
#include <thread>

#include "core/platform/errors.hpp"

namespace weir::platform {
namespace {

// Since Linux 5.13, which the multishot poll stands for: waits with a deadline, completions that are never dropped,
// both rings in one mapping.
constexpr unsigned needed_features =
    IORING_FEAT_SINGLE_MMAP | IORING_FEAT_NODROP | IORING_FEAT_EXT_ARG | IORING_FEAT_FAST_POLL | IORING_FEAT_RSRC_TAGS;
constexpr unsigned char needed_operations[] = {IORING_OP_NOP,  IORING_OP_POLL_ADD, IORING_OP_ASYNC_CANCEL,
                                               IORING_OP_RECV, IORING_OP_SEND,     IORING_OP_SENDMSG};

// The best first; a kernel that does not know a flag says EINVAL. Completions that are worked off in our own call, by
// the only thread that submits, cost no interrupt of this thread and no atomics.
constexpr unsigned preferences[] = {
    IORING_SETUP_SUBMIT_ALL | IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN,  // 6.1
    IORING_SETUP_SUBMIT_ALL | IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_COOP_TASKRUN,   // 6.0
    IORING_SETUP_SUBMIT_ALL | IORING_SETUP_COOP_TASKRUN,                                // 5.19
    IORING_SETUP_SUBMIT_ALL,                                                            // 5.18
    0,
};

int setup(unsigned entries, io_uring_params& parameters) noexcept {
  return static_cast<int>(::syscall(SYS_io_uring_setup, entries, &parameters));
}

int register_with(int descriptor, unsigned what, const void* argument, unsigned count) noexcept {
  return static_cast<int>(::syscall(SYS_io_uring_register, descriptor, what, argument, count));
}

unsigned load(const unsigned* at) noexcept {
  return std::atomic_ref(*const_cast<unsigned*>(at)).load(std::memory_order_acquire);
}
void store(unsigned* at, unsigned value) noexcept { std::atomic_ref(*at).store(value, std::memory_order_release); }

}  // namespace

Uring::~Uring() {
  if (entries_mapping_.at) ::munmap(entries_mapping_.at, entries_mapping_.size);
  if (rings_.at) ::munmap(rings_.at, rings_.size);
  if (descriptor_ >= 0) ::close(descriptor_);
}

// --- creating ---

Error Uring::open(unsigned entries, unsigned completions) noexcept {
  Error error;
  for (const unsigned flags : preferences) {
    error = create(entries, completions, flags | IORING_SETUP_R_DISABLED);
    if (!error || error.native != EINVAL) break;
  }
  return error;
}

Error Uring::create(unsigned entries, unsigned completions, unsigned flags) noexcept {
  io_uring_params parameters{};
  parameters.flags = flags | IORING_SETUP_CLAMP | IORING_SETUP_CQSIZE;
  parameters.cq_entries = completions;
  descriptor_ = setup(entries, parameters);
  if (descriptor_ < 0) return last_error();
  if ((parameters.features & needed_features) != needed_features) return {Errc::not_supported, EOPNOTSUPP};
  return map(parameters);
}

Error Uring::map(const io_uring_params& parameters) noexcept {
  const auto take = [&](std::size_t size, off_t offset) noexcept {
    void* at = ::mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, descriptor_, offset);
    return at == MAP_FAILED ? Mapping{} : Mapping{at, size};
  };
  const auto& sq = parameters.sq_off;
  const auto& cq = parameters.cq_off;
  rings_ = take(std::max(sq.array + parameters.sq_entries * sizeof(unsigned),
                         cq.cqes + parameters.cq_entries * sizeof(io_uring_cqe)),
                IORING_OFF_SQ_RING);
  if (!rings_.at) return last_error();
  entries_mapping_ = take(parameters.sq_entries * sizeof(io_uring_sqe), IORING_OFF_SQES);
  if (!entries_mapping_.at) return last_error();
  const auto at = [&](std::uint32_t offset) noexcept {
    return reinterpret_cast<unsigned*>(static_cast<char*>(rings_.at) + offset);
  };
  entries_ = static_cast<io_uring_sqe*>(entries_mapping_.at);
  sq_head_ = at(sq.head);
  sq_tail_ = at(sq.tail);
  sq_array_ = at(sq.array);
  cq_head_ = at(cq.head);
  cq_tail_ = at(cq.tail);
  completions_ = reinterpret_cast<io_uring_cqe*>(at(cq.cqes));
  sq_size_ = parameters.sq_entries;
  cq_mask_ = *at(cq.ring_mask);
  for (unsigned i = 0; i < sq_size_; ++i) sq_array_[i] = i;
  return {};
}

Error Uring::enable() noexcept {
  if (register_with(descriptor_, IORING_REGISTER_ENABLE_RINGS, nullptr, 0) != 0) return last_error();
  enabled_ = true;
  return {};
}

// --- probing ---

bool Uring::has(unsigned char operation) const noexcept {
  constexpr unsigned count = 64;
  alignas(io_uring_probe) char memory[sizeof(io_uring_probe) + count * sizeof(io_uring_probe_op)] = {};
  auto* answer = reinterpret_cast<io_uring_probe*>(memory);
  if (register_with(descriptor_, IORING_REGISTER_PROBE, answer, count) != 0) return false;
  return operation < answer->ops_len && (answer->ops[operation].flags & IO_URING_OP_SUPPORTED) != 0;
}

// Came with the same kernel, and can be asked for.
bool Uring::receives_multishot() const noexcept { return has(IORING_OP_SEND_ZC); }

Error Uring::probe() noexcept {
  Uring ring;
  if (const Error error = ring.open(2, 4)) return error;
  for (const unsigned char operation : needed_operations) {
    if (!ring.has(operation)) return {Errc::not_supported, EOPNOTSUPP};
  }
  if (const Error error = ring.enable()) return error;
  io_uring_sqe* nothing = ring.entry();
  if (!nothing) return last_error();
  nothing->opcode = IORING_OP_NOP;
  nothing->user_data = 1;
  if (const Error error = ring.enter(std::chrono::seconds{1}, false)) return error;
  io_uring_cqe done;
  if (!ring.next(done) || done.user_data != 1) return Error(Errc::unknown, EIO);
  return done.res < 0 ? error_from(-done.res) : Error{};
}

std::string Uring::explain(const Error& error) {
  switch (error.native) {
    case ENOSYS: return "this kernel has no io_uring, or a system call filter hides it (ENOSYS)";
    case EPERM: {
      return "io_uring is forbidden here (EPERM): by the sysctl kernel.io_uring_disabled, or by the system call filter "
             "of a container (seccomp)";
    }
    case EINVAL:
    case EOPNOTSUPP: return "this kernel's io_uring lacks an operation that is needed: Linux 5.13 or newer has it";
    case ENOMEM: return "the kernel has no memory for another ring, or RLIMIT_MEMLOCK (ulimit -l) is too low (ENOMEM)";
    default: return describe(error);
  }
}

// --- submitting and waiting ---

unsigned Uring::waiting() const noexcept { return tail_ - load(sq_head_); }

io_uring_sqe* Uring::entry() noexcept {
  while (waiting() == sq_size_) {
    const unsigned before = waiting();
    if (submit()) return nullptr;
    if (waiting() == before) set_aside();  // the kernel wants room for completions first
  }
  io_uring_sqe* entry = &entries_[tail_++ & (sq_size_ - 1)];
  std::memset(entry, 0, sizeof *entry);
  return entry;
}

Error Uring::enter(Duration time, bool forever) noexcept {
  store(sq_tail_, tail_);
  ++round_;
  struct {
    std::int64_t seconds, nanoseconds;
  } const limit{time.count() / 1'000'000'000, time.count() % 1'000'000'000};
  io_uring_getevents_arg argument{};
  argument.ts = forever ? 0 : reinterpret_cast<std::uintptr_t>(&limit);
  const bool sleeps = (forever || time > Duration{}) && next_aside_ == aside_.size();
  const long result = ::syscall(SYS_io_uring_enter, descriptor_, waiting(), sleeps ? 1U : 0U,
                                IORING_ENTER_GETEVENTS | IORING_ENTER_EXT_ARG, &argument, sizeof argument);
  if (result >= 0) return {};
  switch (errno) {
    case ETIME:
    case EINTR:
    case EBUSY: return {};  // completions wait to be taken
    case EAGAIN:
    case ENOMEM: std::this_thread::sleep_for(std::chrono::milliseconds{1}); return {};  // for want of memory
    default: return last_error();
  }
}

bool Uring::ready(io_uring_cqe& completion) noexcept {
  const unsigned head = *cq_head_;  // only we write it
  if (head == load(cq_tail_)) return false;
  completion = completions_[head & cq_mask_];
  store(cq_head_, head + 1);
  return true;
}

bool Uring::next(io_uring_cqe& completion) noexcept {
  if (next_aside_ < aside_.size()) {
    completion = aside_[next_aside_++];
    return true;
  }
  if (!aside_.empty()) {
    aside_.clear();
    next_aside_ = 0;
  }
  return ready(completion);
}

void Uring::set_aside() noexcept {
  io_uring_cqe completion;
  while (ready(completion)) aside_.push_back(completion);
}

// --- buffers for the kernel to choose from ---

BufferRing::~BufferRing() { close(); }

Error BufferRing::open(Uring& ring, std::uint16_t group, unsigned size) noexcept {
  void* memory =
      ::mmap(nullptr, size * sizeof(io_uring_buf), PROT_READ | PROT_WRITE, MAP_ANONYMOUS | MAP_PRIVATE, -1, 0);
  if (memory == MAP_FAILED) return last_error();
  io_uring_buf_reg order{};
  order.ring_addr = reinterpret_cast<std::uintptr_t>(memory);
  order.ring_entries = size;
  order.bgid = group;
  if (register_with(ring.descriptor_, IORING_REGISTER_PBUF_RING, &order, 1) != 0) {
    const Error error = last_error();
    ::munmap(memory, size * sizeof(io_uring_buf));
    return error;
  }
  ring_ = &ring;
  buffers_ = static_cast<io_uring_buf_ring*>(memory);
  size_ = size;
  group_ = group;
  tail_ = 0;
  return {};
}

void BufferRing::close() noexcept {
  if (!ring_) return;
  io_uring_buf_reg order{};
  order.bgid = group_;
  register_with(ring_->descriptor_, IORING_UNREGISTER_PBUF_RING, &order, 1);
  ::munmap(buffers_, size_ * sizeof(io_uring_buf));
  ring_ = nullptr;
  buffers_ = nullptr;
}

void BufferRing::offer(std::uint16_t index, char* data, std::size_t bytes) noexcept {
  // Field by field: the ring's tail lies in the last two bytes of the first place.
  io_uring_buf& place = reinterpret_cast<io_uring_buf*>(buffers_)[tail_ & (size_ - 1)];
  place.addr = reinterpret_cast<std::uintptr_t>(data);
  place.len = static_cast<std::uint32_t>(bytes);
  place.bid = index;
  ++tail_;
  std::atomic_ref(buffers_->tail).store(tail_, std::memory_order_release);
}

}  // namespace weir::platform
