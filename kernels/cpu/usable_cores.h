// How many cores this process may use.
#pragma once

#include <filesystem>
#include <string>

namespace spikelane {

/// What limits the number of threads that can run side by side.
struct UsableCores {
  int n_hardware = 1;  // processors of the machine
  int n_affinity = 1;  // of them those that the process may run on (taskset, cpusets)
  double quota = 0.0;  // processors' time by the control group (cgroup v2 cpu.max); 0: no limit
  int n_usable = 1;    // the least of them, the quota rounded up; at least 1

  /// "2 (of 8 processors; 4 by affinity, 1.5 by the control group's quota)"
  std::string text() const;
};

/// `root` stands for "/" in tests: proc/self/cgroup and sys/fs/cgroup are looked for below it.
UsableCores usable_cores(const std::filesystem::path& root = "/");

}  // namespace spikelane
