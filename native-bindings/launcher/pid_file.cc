#include "pid_file.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <array>
#include <cerrno>
#include <climits>
#include <cstdlib>

namespace launcher {
namespace {

constexpr int kAttempts = 10;

std::string Absolute(const std::string& path) {
  std::array<char, PATH_MAX> directory{};
  if (path.starts_with('/') || ::getcwd(directory.data(), directory.size()) == nullptr) return path;
  return std::string(directory.data()) + "/" + path;
}

// Whether `path` still names the file that `fd` has open.
bool IsSameFile(const std::string& path, int fd) {
  struct stat named{}, opened{};
  if (::lstat(path.c_str(), &named) != 0 || ::fstat(fd, &opened) != 0) return false;
  return named.st_dev == opened.st_dev && named.st_ino == opened.st_ino;
}

// F_OFD_GETLK cannot name the holder of such a lock; what the holder wrote can.
int PidIn(int fd) {
  std::array<char, 16> text{};
  if (::pread(fd, text.data(), text.size() - 1, 0) <= 0) return 0;
  return std::atoi(text.data());
}

// @returns 0 or a positive errno.
int Fill(int fd, pid_t pid) {
  const std::string line = std::to_string(pid) + "\n";
  struct stat status{};
  if (::fstat(fd, &status) != 0) return errno;
  if (!S_ISREG(status.st_mode)) return EINVAL;
  if (status.st_nlink != 1) return EMLINK;  // somebody made it a name for a file of ours that is not to be overwritten
  if (::fchmod(fd, 0644) != 0 || ::ftruncate(fd, 0) != 0) return errno;
  if (::pwrite(fd, line.data(), line.size(), 0) != static_cast<ssize_t>(line.size())) return errno == 0 ? EIO : errno;
  return 0;
}

}  // namespace

void PidFiles::MakeDirectoriesOf(const std::string& path) {
  const size_t last = path.rfind('/');
  const size_t before = last == 0 || last == std::string::npos ? std::string::npos : path.rfind('/', last - 1);
  for (const size_t slash : {before, last}) {
    if (slash == 0 || slash == std::string::npos) continue;
    const std::string directory = path.substr(0, slash);
    if (::mkdir(directory.c_str(), 0755) != 0) continue;
    ::chmod(directory.c_str(), 0755);  // mkdir obeys the umask
    made_.push_back(directory);
  }
}

Claim PidFiles::Take(const std::string& given, pid_t pid) {
  const std::string path = Absolute(given);
  for (const Held& held : held_)
    if (held.path == path && IsSameFile(path, held.fd.get())) return {Claim::Outcome::kOk, 0};
  MakeDirectoriesOf(path);
  for (int attempt = 0; attempt < kAttempts; attempt++) {
    // O_NONBLOCK: a FIFO under that name must not stop us here.
    UniqueFd fd(::open(path.c_str(), O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK, 0644));
    if (!fd) return {Claim::Outcome::kFailed, errno};
    struct flock whole{};
    whole.l_type = F_WRLCK;
    whole.l_whence = SEEK_SET;
    if (::fcntl(fd.get(), F_OFD_SETLK, &whole) != 0) {
      const int err = errno;
      if (err != EAGAIN && err != EACCES) return {Claim::Outcome::kFailed, err};
      return {Claim::Outcome::kBusy, PidIn(fd.get())};
    }
    if (!IsSameFile(path, fd.get())) continue;  // its last owner unlinked it between our open and our lock
    if (const int err = Fill(fd.get(), pid); err != 0) return {Claim::Outcome::kFailed, err};
    Hold(path, std::move(fd));
    return {Claim::Outcome::kOk, 0};
  }
  return {Claim::Outcome::kFailed, EAGAIN};
}

// In the place of one that somebody deleted: its lock keeps nobody out any more, and may be the thousandth.
void PidFiles::Hold(const std::string& path, UniqueFd fd) {
  for (Held& held : held_) {
    if (held.path != path) continue;
    held.fd = std::move(fd);
    return;
  }
  held_.push_back({path, std::move(fd)});
}

void PidFiles::Release() {
  for (const Held& held : held_)
    if (IsSameFile(held.path, held.fd.get())) ::unlink(held.path.c_str());
  held_.clear();
  // From within; one that holds files of others stays.
  for (; !made_.empty(); made_.pop_back()) ::rmdir(made_.back().c_str());
}

}  // namespace launcher
