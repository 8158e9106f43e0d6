// Loaded into the program by LD_PRELOAD: system calls that go wrong as $SPIKELANE_FAULT says.
//   short         write() takes 1 to 13 bytes at a time and is interrupted now and then
//   fsync         fsync() fails: EIO
//   rename        rename() fails: EACCES
//   disk_full=N   write() to files fails when N bytes have been written: ENOSPC
//   mujoco        MuJoCo's library says that it is a version of its own
//   clock_back    the time of day goes an hour back whenever somebody looks
#include <dlfcn.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace {

bool is_fault(const char* name) {
  const char* fault = std::getenv("SPIKELANE_FAULT");
  return fault != nullptr && std::strncmp(fault, name, std::strlen(name)) == 0;
}

template <class Function>
Function* real(const char* name) {
  return reinterpret_cast<Function*>(dlsym(RTLD_NEXT, name));
}

bool is_regular(int descriptor) {
  struct stat status {};
  return fstat(descriptor, &status) == 0 && S_ISREG(status.st_mode);
}

std::size_t n_written = 0;
unsigned n_calls = 0;
long hours_back = 0;

}  // namespace

extern "C" {

int mj_version() { return is_fault("mujoco") ? 5006007 : real<int()>("mj_version")(); }

ssize_t write(int descriptor, const void* bytes, size_t n) {
  static auto* const real_write = real<ssize_t(int, const void*, size_t)>("write");
  if (is_fault("short") && n > 0) {
    if (++n_calls % 5 == 0) {
      errno = EINTR;
      return -1;
    }
    return real_write(descriptor, bytes, std::min<size_t>(n, 1 + n_calls % 13));
  }
  if (is_fault("disk_full=") && is_regular(descriptor)) {
    const std::size_t room = std::strtoul(std::getenv("SPIKELANE_FAULT") + 10, nullptr, 10);
    n = std::min(n, room - std::min(room, n_written));
    if (n == 0) {
      errno = ENOSPC;
      return -1;
    }
    n_written += n;
  }
  return real_write(descriptor, bytes, n);
}

int fsync(int descriptor) {
  static auto* const real_fsync = real<int(int)>("fsync");
  if (!is_fault("fsync")) return real_fsync(descriptor);
  errno = EIO;
  return -1;
}

int rename(const char* from, const char* to) noexcept {
  static auto* const real_rename = real<int(const char*, const char*)>("rename");
  if (!is_fault("rename")) return real_rename(from, to);
  errno = EACCES;
  return -1;
}

int clock_gettime(clockid_t clock, struct timespec* out) noexcept {
  static auto* const real_gettime = real<int(clockid_t, struct timespec*)>("clock_gettime");
  const int result = real_gettime(clock, out);
  if (clock == CLOCK_REALTIME && is_fault("clock_back")) out->tv_sec -= 3600 * ++hours_back;
  return result;
}

time_t time(time_t* out) noexcept {
  struct timespec now {};
  clock_gettime(CLOCK_REALTIME, &now);
  if (out != nullptr) *out = now.tv_sec;
  return now.tv_sec;
}

int gettimeofday(struct timeval* out, void*) noexcept {
  struct timespec now {};
  clock_gettime(CLOCK_REALTIME, &now);
  out->tv_sec = now.tv_sec;
  out->tv_usec = now.tv_nsec / 1000;
  return 0;
}
}
