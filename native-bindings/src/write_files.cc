// Short texts into files of /proc/sys, many in one task of libuv's pool: each may have to wait for a lock of the kernel, and a task
// for each of a thousand interfaces costs more than the writing.
#include "write_files.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "args.h"
#include "unique_fd.h"

namespace {

constexpr const char* kUsage = "writeFiles(paths: string[], texts: string[] as many, done: function)";

class FileWriting final : public Napi::AsyncWorker {
 public:
  FileWriting(Napi::Function& done, std::vector<std::string> paths, std::vector<std::string> texts)
      : Napi::AsyncWorker(done, "holdfast.writeFiles"), paths_(std::move(paths)), texts_(std::move(texts)) {}

  void Execute() override {
    errnos_.reserve(paths_.size());
    for (size_t i = 0; i < paths_.size(); i++) errnos_.push_back(WriteFile(paths_[i], texts_[i]));
  }

  void OnOK() override {
    const Napi::Array errnos = Napi::Array::New(Env(), errnos_.size());
    for (uint32_t i = 0; i < errnos_.size(); i++) errnos.Set(i, errnos_[i]);
    Callback().Call({errnos});
  }

 private:
  const std::vector<std::string> paths_;
  const std::vector<std::string> texts_;
  std::vector<int> errnos_;
};

void WriteFiles(const Napi::CallbackInfo& info) {
  auto paths = args::Array<std::string>(info[0], args::CString);
  auto texts = paths ? args::Array<std::string>(info[1], args::CString) : std::nullopt;
  if (!texts || texts->size() != paths->size() || !info[2].IsFunction()) return args::ThrowUsage(info.Env(), kUsage);
  Napi::Function done = info[2].As<Napi::Function>();
  (new FileWriting(done, std::move(*paths), std::move(*texts)))->Queue();  // deletes itself after OnOK
}

}  // namespace

int WriteFile(const std::string& path, const std::string& text) {
  const UniqueFd fd(::open(path.c_str(), O_WRONLY | O_CLOEXEC));
  if (!fd) return errno;
  for (;;) {
    const ssize_t written = ::write(fd.get(), text.data(), text.size());
    if (written >= 0) return static_cast<size_t>(written) == text.size() ? 0 : EIO;
    const int err = errno;
    if (err != EINTR) return err;
  }
}

void DefineWriteFiles(Napi::Env env, Napi::Object exports) {
  exports.Set("writeFiles", Napi::Function::New<WriteFiles>(env, "writeFiles"));
}
