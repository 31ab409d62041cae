#include "process_functions.h"

#include <dirent.h>
#include <fcntl.h>
#include <linux/close_range.h>
#include <malloc.h>
#include <pthread.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <climits>
#include <cstdlib>
#include <ctime>
#include <memory>

#include "args.h"
#include "boot_time.h"
#include "errno_error.h"

namespace {

// Before Linux 5.11, where close_range(2) cannot mark. @returns 0 or a positive errno.
int MarkEach(int first_fd) {
  DIR* dir = ::opendir("/proc/self/fd");
  if (dir == nullptr) return errno;
  while (const dirent* entry = ::readdir(dir)) {
    const int fd = std::atoi(entry->d_name);  // "." and ".." give 0
    if (fd >= first_fd && entry->d_name[0] != '.') ::fcntl(fd, F_SETFD, FD_CLOEXEC);
  }
  ::closedir(dir);
  return 0;
}

void CloseOnExecFrom(const Napi::CallbackInfo& info) {
  const auto first = args::Integer<int>(info[0]);
  if (!first || *first < 0) return args::ThrowUsage(info.Env(), "closeOnExecFrom(firstFd: integer >= 0)");
  int err = 0;
  if (::syscall(SYS_close_range, *first, UINT_MAX, CLOSE_RANGE_CLOEXEC) != 0) err = errno;
  if (err == ENOSYS || err == EINVAL) err = MarkEach(*first);
  if (err != 0) ThrowErrno(info.Env(), err, "close_range");
}

// A mapping past the end of the file would be a SIGBUS later, so it is an EINVAL now.
Napi::Value MapShared(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  const auto fd = args::Integer<int>(info[0]);
  const auto bytes = args::Integer<int32_t>(info[1]);
  const auto from = info[2].IsUndefined() ? std::optional<int32_t>(0) : args::Integer<int32_t>(info[2]);
  if (!fd || !bytes || *bytes <= 0 || !from || *from < 0) {
    args::ThrowUsage(env, "mapShared(fd: integer, bytes: integer > 0, from?: integer >= 0)");
    return {};
  }
  const auto length = static_cast<size_t>(*bytes);
  struct stat status{};
  if (::fstat(*fd, &status) != 0) {
    ThrowErrno(env, errno, "fstat");
    return {};
  }
  if (status.st_size < static_cast<off_t>(*from) + *bytes) {
    ThrowErrno(env, EINVAL, "mmap");
    return {};
  }
  void* data = ::mmap(nullptr, length, PROT_READ | PROT_WRITE, MAP_SHARED, *fd, *from);
  if (data == MAP_FAILED) {
    ThrowErrno(env, errno, "mmap");
    return {};
  }
  return Napi::Buffer<std::byte>::New(env, static_cast<std::byte*>(data), length,
                                      [length](Napi::Env, std::byte* mapped) { ::munmap(mapped, length); });
}

// Linux keeps the nice value by thread; `who` may be a thread id.
Napi::Value SetThreadNice(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  const auto nice = args::Integer<int>(info[0]);
  if (!nice) {
    args::ThrowUsage(env, "setThreadNice(nice: integer)");
    return {};
  }
  int err = 0;
  if (::setpriority(PRIO_PROCESS, static_cast<id_t>(::syscall(SYS_gettid)), *nice) != 0) err = errno;
  return Napi::Number::New(env, err);
}

// Of the calling thread, in milliseconds: what it worked, without the time that others had its processor.
Napi::Value ThreadCpuTime(const Napi::CallbackInfo& info) {
  timespec used{};
  ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &used);
  return Napi::Number::New(info.Env(), static_cast<double>(used.tv_sec) * 1e3 + static_cast<double>(used.tv_nsec) / 1e6);
}

// malloc_trim(3), which only glibc has: free pages in the middle of its heaps too, which a long-lived neighbour above them holds.
Napi::Value TrimHeap(const Napi::CallbackInfo& info) {
#ifdef __GLIBC__
  return Napi::Boolean::New(info.Env(), ::malloc_trim(0) != 0);
#else
  return Napi::Boolean::New(info.Env(), false);
#endif
}

struct Ending {
  timespec after{};
  int code = 0;
};

void* EndProcess(void* data) {
  const std::unique_ptr<Ending> ending(static_cast<Ending*>(data));
  while (::nanosleep(&ending->after, &ending->after) != 0 && errno == EINTR) {
  }
  ::_exit(ending->code);
}

// A thread, and no signal: exit(3) may hang while it joins others, and the code has to be that of an orderly end.
Napi::Value ExitWithin(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  const auto milliseconds = args::Integer<int>(info[0]);
  const auto code = args::Integer<uint8_t>(info[1]);
  if (!milliseconds || *milliseconds < 0 || !code) {
    args::ThrowUsage(env, "exitWithin(milliseconds: integer >= 0, code: integer of 0 to 255)");
    return {};
  }
  auto ending = std::make_unique<Ending>();
  ending->after = {*milliseconds / 1000, *milliseconds % 1000 * 1'000'000L};
  ending->code = *code;
  pthread_t thread{};
  const int err = ::pthread_create(&thread, nullptr, EndProcess, ending.get());
  if (err == 0) {
    ::pthread_detach(thread);
    ending.release();  // the thread has it now
  }
  return Napi::Number::New(env, err);
}

Napi::Value BootTime(const Napi::CallbackInfo& info) { return Napi::Number::New(info.Env(), BootTimeMs()); }

}  // namespace

void DefineProcessFunctions(Napi::Env env, Napi::Object exports) {
  exports.Set("closeOnExecFrom", Napi::Function::New<CloseOnExecFrom>(env, "closeOnExecFrom"));
  exports.Set("mapShared", Napi::Function::New<MapShared>(env, "mapShared"));
  exports.Set("setThreadNice", Napi::Function::New<SetThreadNice>(env, "setThreadNice"));
  exports.Set("threadCpuTime", Napi::Function::New<ThreadCpuTime>(env, "threadCpuTime"));
  exports.Set("trimHeap", Napi::Function::New<TrimHeap>(env, "trimHeap"));
  exports.Set("exitWithin", Napi::Function::New<ExitWithin>(env, "exitWithin"));
  exports.Set("bootTime", Napi::Function::New<BootTime>(env, "bootTime"));
}
