#include "kernels/cpu/usable_cores.h"

#include <sched.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <fstream>
#include <string>
#include <thread>

namespace spikelane {

namespace fs = std::filesystem;

// processors' time that one group may take; 0 where it has no limit
static double quota_of(const fs::path& group) {
  std::ifstream file(group / "cpu.max");
  std::string limit;
  double period = 0.0;
  if (!(file >> limit >> period) || limit == "max" || !(period > 0.0)) return 0.0;
  char* end = nullptr;
  const double time = std::strtod(limit.c_str(), &end);
  return end != limit.c_str() && time > 0.0 ? time / period : 0.0;
}

// the least of the group's own quota and those of all groups above it
static double quota_below(const fs::path& root) {
  std::ifstream file(root / "proc/self/cgroup");
  std::string line, group;
  while (std::getline(file, line))
    if (line.rfind("0::/", 0) == 0) group = line.substr(4);
  const fs::path top = root / "sys/fs/cgroup";
  double least = quota_of(top);
  fs::path path = top;
  for (const fs::path& part : fs::path(group)) {
    path /= part;
    const double quota = quota_of(path);
    if (quota > 0.0) least = least > 0.0 ? std::min(least, quota) : quota;
  }
  return least;
}

UsableCores usable_cores(const fs::path& root) {
  UsableCores cores;
  cores.n_hardware = std::max(1, static_cast<int>(std::thread::hardware_concurrency()));
  cores.n_affinity = cores.n_hardware;
  // the kernel refuses a set that is too small for the machine
  for (int n_most = 1024; n_most <= 1 << 20; n_most *= 4) {
    cpu_set_t* set = CPU_ALLOC(n_most);
    if (set == nullptr) break;
    const std::size_t size = CPU_ALLOC_SIZE(n_most);
    const bool is_known = sched_getaffinity(0, size, set) == 0;
    if (is_known) cores.n_affinity = std::max(1, CPU_COUNT_S(size, set));
    CPU_FREE(set);
    if (is_known) break;
  }
  cores.n_hardware = std::max(cores.n_hardware, cores.n_affinity);
  cores.quota = quota_below(root);
  cores.n_usable = cores.n_affinity;
  if (cores.quota > 0.0)
    cores.n_usable =
        std::clamp(static_cast<int>(std::min(std::ceil(cores.quota), 1e6)), 1, cores.n_usable);
  return cores;
}

std::string UsableCores::text() const {
  char by_quota[64] = "";
  if (quota > 0.0)
    std::snprintf(by_quota, sizeof by_quota, ", %.3g by the control group's quota", quota);
  return std::to_string(n_usable) + " (of " + std::to_string(n_hardware) + " processors; " +
         std::to_string(n_affinity) + " by affinity" + by_quota + ")";
}

}  // namespace spikelane
