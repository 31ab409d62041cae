#include "scheduling_functions.h"

#include <fcntl.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <charconv>
#include <cmath>
#include <ctime>
#include <limits>
#include <string_view>
#include <vector>

#include "addon_data.h"
#include "args.h"
#include "boot_time.h"
#include "loop_breaks.h"

namespace {

constexpr size_t kMostCpus = 16 * 1024;

Napi::Value Errno(Napi::Env env, bool done) { return Napi::Number::New(env, done ? 0 : errno); }

Napi::Value Usage(Napi::Env env, const char* signature) {
  args::ThrowUsage(env, signature);
  return {};
}

Napi::Value ThreadId(const Napi::CallbackInfo& info) {
  return Napi::Number::New(info.Env(), static_cast<double>(::syscall(SYS_gettid)));
}

// SCHED_RESET_ON_FORK: the threads and processes that it starts begin with the usual class, and a negative nice value as 0.
Napi::Value SetThreadClass(const Napi::CallbackInfo& info) {
  const auto thread = args::Integer<pid_t>(info[0]);
  const auto priority = args::Integer<int>(info[1]);
  if (!thread || !priority) return Usage(info.Env(), "setThreadClass(threadId: integer, realTimePriority: integer)");
  sched_param param{};
  param.sched_priority = *priority;
  const int policy = (*priority > 0 ? SCHED_RR : SCHED_OTHER) | SCHED_RESET_ON_FORK;
  return Errno(info.Env(), ::sched_setscheduler(*thread, policy, &param) == 0);
}

// 0: not in a real-time class.
int RealTimePriorityOf(pid_t thread) {
  sched_param param{};
  const int policy = ::sched_getscheduler(thread) & ~SCHED_RESET_ON_FORK;
  const bool real_time = policy == SCHED_RR || policy == SCHED_FIFO;
  return real_time && ::sched_getparam(thread, &param) == 0 ? param.sched_priority : 0;
}

// Linux keeps the nice value by thread; `who` may be a thread id.
Napi::Value SetNiceOfThread(const Napi::CallbackInfo& info) {
  const auto thread = args::Integer<id_t>(info[0]);
  const auto nice = args::Integer<int>(info[1]);
  if (!thread || !nice) return Usage(info.Env(), "setNiceOfThread(threadId: integer, nice: integer)");
  return Errno(info.Env(), ::setpriority(PRIO_PROCESS, *thread, *nice) == 0);
}

// The class of the main thread for the calling thread, so that waking the main thread does not take the processor from it.
// Returns what EndCeiling needs to go back, -1 where there is nothing to do.
Napi::Value BeginCeiling(const Napi::CallbackInfo& info) {
  sched_param main{};
  main.sched_priority = RealTimePriorityOf(::getpid());
  const int own = main.sched_priority > 0 ? RealTimePriorityOf(0) : 0;
  const bool raised =
      own < main.sched_priority && ::sched_setscheduler(0, SCHED_RR | SCHED_RESET_ON_FORK, &main) == 0;
  return Napi::Number::New(info.Env(), raised ? own : -1);
}

void EndCeiling(const Napi::CallbackInfo& info) {
  const auto before = args::Integer<int>(info[0]);
  if (!before) return args::ThrowUsage(info.Env(), "endCeiling(before: integer)");
  if (*before < 0) return;
  sched_param param{};
  param.sched_priority = *before;
  ::sched_setscheduler(0, (*before > 0 ? SCHED_RR : SCHED_OTHER) | SCHED_RESET_ON_FORK, &param);
}

// For a thread that is about to end: the main thread waits for it, so it must not wait for everybody else.
void EndSoon(const Napi::CallbackInfo& /*info*/) {
  sched_param lowest{};
  lowest.sched_priority = 1;
  if (RealTimePriorityOf(::getpid()) > 0) ::sched_setscheduler(0, SCHED_RR | SCHED_RESET_ON_FORK, &lowest);
}

struct CpuSet {
  std::vector<unsigned long> words = std::vector<unsigned long>(kMostCpus / kBits);
  static constexpr size_t kBits = 8 * sizeof(unsigned long);

  size_t bytes() const { return words.size() * sizeof(unsigned long); }
  void Add(size_t cpu) { words[cpu / kBits] |= 1UL << (cpu % kBits); }
  bool Has(size_t cpu) const { return (words[cpu / kBits] >> (cpu % kBits) & 1UL) != 0; }
};

// Raw calls: libc's cpu_set_t ends at 1,024 processors.
Napi::Value SetThreadCpus(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  const auto thread = args::Integer<pid_t>(info[0]);
  const auto cpus = args::Array<uint16_t>(info[1], args::Integer<uint16_t>, kMostCpus);
  if (!thread || !cpus) return Usage(env, "setThreadCpus(threadId: integer, cpus: integer[])");
  CpuSet set;
  for (const size_t cpu : *cpus) {
    if (cpu >= kMostCpus) return Napi::Number::New(env, EINVAL);
    set.Add(cpu);
  }
  return Errno(env, ::syscall(SYS_sched_setaffinity, *thread, set.bytes(), set.words.data()) == 0);
}

// Of the calling thread.
Napi::Value ThreadCpus(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  const auto out = Napi::Array::New(env);
  CpuSet set;
  if (::syscall(SYS_sched_getaffinity, 0, set.bytes(), set.words.data()) < 0) return out;
  uint32_t count = 0;
  for (size_t cpu = 0; cpu < kMostCpus; cpu++)
    if (set.Has(cpu)) out.Set(count++, Napi::Number::New(env, static_cast<double>(cpu)));
  return out;
}

// RLIMIT_RTTIME of the process, in microseconds; 0: none.
Napi::Value SetRealTimeLimit(const Napi::CallbackInfo& info) {
  const auto soft = args::Integer<uint32_t>(info[0]);
  const auto hard = args::Integer<uint32_t>(info[1]);
  if (!soft || !hard) return Usage(info.Env(), "setRealTimeLimit(softUs: integer, hardUs: integer)");
  const auto limit_of = [](uint32_t us) { return us == 0 ? RLIM_INFINITY : static_cast<rlim_t>(us); };
  const rlimit limit{limit_of(*soft), limit_of(*hard)};
  return Errno(info.Env(), ::setrlimit(RLIMIT_RTTIME, &limit) == 0);
}

// RLIMIT_RTTIME counts until the thread blocks. A loop that always has something to do never does.
void Nap(const Napi::CallbackInfo& /*info*/) {
  const timespec shortest{0, 1};
  ::nanosleep(&shortest, nullptr);
}

// Whether the calling thread's loop takes breaks when it never sleeps.
void TakeBreaks(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  if (!info[0].IsBoolean()) return args::ThrowUsage(env, "takeBreaks(when: boolean)");
  const bool wanted = info[0].As<Napi::Boolean>();
  LoopBreaks*& breaks = env.GetInstanceData<AddonData>()->loop_breaks;
  if (breaks == nullptr && wanted) breaks = LoopBreaks::Open(env);
  if (breaks == nullptr) return;
  if (wanted) breaks->Start();
  else breaks->Stop();
}

// Pages of `bytes` stay in memory (mlock(2)). Also those around it that share a page with it.
Napi::Value LockMemory(const Napi::CallbackInfo& info) {
  const auto bytes = args::Bytes(info[0]);
  if (!bytes) return Usage(info.Env(), "lockMemory(bytes: Uint8Array)");
  return Errno(info.Env(), ::mlock(bytes->data(), bytes->size()) == 0);
}

// Waiting for a processor, ns: the second number of /proc/thread-self/schedstat. NaN where the kernel does not count it.
double RunDelayMs(AddonData& data) {
  if (!data.schedstat) data.schedstat = UniqueFd(::open("/proc/thread-self/schedstat", O_RDONLY | O_CLOEXEC));
  std::array<char, 96> text{};
  const ssize_t length = ::pread(data.schedstat.get(), text.data(), text.size(), 0);
  if (length <= 0) return std::numeric_limits<double>::quiet_NaN();
  const std::string_view line(text.data(), static_cast<size_t>(length));
  const size_t blank = line.find(' ');
  uint64_t ns = 0;
  if (blank == std::string_view::npos) return std::numeric_limits<double>::quiet_NaN();
  std::from_chars(line.data() + blank + 1, line.data() + line.size(), ns);
  return static_cast<double>(ns) / 1e6;
}

double ClockMs(clockid_t clock) {
  timespec now{};
  ::clock_gettime(clock, &now);
  return static_cast<double>(now.tv_sec) * 1e3 + static_cast<double>(now.tv_nsec) / 1e6;
}

// Fills the caller's array, so that a reading leaves no garbage: layout in scheduling.ts.
void ReadThread(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  napi_typedarray_type type{};
  size_t length = 0;
  void* data = nullptr;
  const bool known = info[0].IsTypedArray() &&
                     napi_get_typedarray_info(env, info[0], &type, &length, &data, nullptr, nullptr) == napi_ok;
  if (!known || type != napi_float64_array || length < 6)
    return args::ThrowUsage(env, "readThread(into: Float64Array of 6)");
  rusage usage{};
  ::getrusage(RUSAGE_THREAD, &usage);
  auto* out = static_cast<double*>(data);
  out[0] = BootTimeMs();
  out[1] = ClockMs(CLOCK_MONOTONIC);
  out[2] = ClockMs(CLOCK_THREAD_CPUTIME_ID);
  out[3] = RunDelayMs(*env.GetInstanceData<AddonData>());
  out[4] = static_cast<double>(usage.ru_majflt);
  out[5] = static_cast<double>(usage.ru_nvcsw);
}

}  // namespace

void DefineSchedulingFunctions(Napi::Env env, Napi::Object exports) {
  exports.Set("threadId", Napi::Function::New<ThreadId>(env, "threadId"));
  exports.Set("setThreadClass", Napi::Function::New<SetThreadClass>(env, "setThreadClass"));
  exports.Set("setNiceOfThread", Napi::Function::New<SetNiceOfThread>(env, "setNiceOfThread"));
  exports.Set("beginCeiling", Napi::Function::New<BeginCeiling>(env, "beginCeiling"));
  exports.Set("endSoon", Napi::Function::New<EndSoon>(env, "endSoon"));
  exports.Set("endCeiling", Napi::Function::New<EndCeiling>(env, "endCeiling"));
  exports.Set("setThreadCpus", Napi::Function::New<SetThreadCpus>(env, "setThreadCpus"));
  exports.Set("threadCpus", Napi::Function::New<ThreadCpus>(env, "threadCpus"));
  exports.Set("setRealTimeLimit", Napi::Function::New<SetRealTimeLimit>(env, "setRealTimeLimit"));
  exports.Set("nap", Napi::Function::New<Nap>(env, "nap"));
  exports.Set("takeBreaks", Napi::Function::New<TakeBreaks>(env, "takeBreaks"));
  exports.Set("lockMemory", Napi::Function::New<LockMemory>(env, "lockMemory"));
  exports.Set("readThread", Napi::Function::New<ReadThread>(env, "readThread"));
}
