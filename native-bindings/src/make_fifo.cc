// mkfifo(3), which Node lacks, in a thread of libuv's pool: the directory may lie on a disk that hangs.
#include "make_fifo.h"

#include <sys/stat.h>

#include <cerrno>
#include <string>
#include <utility>

#include "args.h"

namespace {

class FifoMaker final : public Napi::AsyncWorker {
 public:
  FifoMaker(Napi::Function& done, std::string path, mode_t mode)
      : Napi::AsyncWorker(done, "holdfast.makeFifo"), path_(std::move(path)), mode_(mode) {}

  void Execute() override {
    if (::mkfifo(path_.c_str(), mode_) != 0) errno_ = errno;
  }

  void OnOK() override { Callback().Call({Napi::Number::New(Env(), errno_)}); }

 private:
  const std::string path_;
  const mode_t mode_;
  int errno_ = 0;
};

void MakeFifo(const Napi::CallbackInfo& info) {
  const auto path = args::CString(info[0]);
  const auto mode = args::Integer<uint16_t>(info[1]);
  if (!path || !mode || !info[2].IsFunction()) {
    return args::ThrowUsage(info.Env(), "makeFifo(path: string, mode: integer, done: function)");
  }
  Napi::Function done = info[2].As<Napi::Function>();
  (new FifoMaker(done, *path, *mode))->Queue();  // deletes itself after OnOK
}

}  // namespace

void DefineMakeFifo(Napi::Env env, Napi::Object exports) {
  exports.Set("makeFifo", Napi::Function::New<MakeFifo>(env, "makeFifo"));
}
