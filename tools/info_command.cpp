// spikelane info: what this program is, and what it can use on this machine.
#include <cstdio>
#include <string>

#include "engine/report/build_info.h"
#include "kernels/cpu/kernel_table.h"
#include "kernels/cpu/usable_cores.h"
#include "kernels/cuda/cuda_library.h"
#include "tasks/mujoco/mujoco_task.h"
#include "tools/commands.h"

namespace spikelane {
namespace {

void print_info() {
  const BuildInfo build = build_info();
  std::printf("version:  %s\n", SPIKELANE_VERSION);
  std::printf("revision: %s\n", build.revision.c_str());
  std::printf("compiler: %s\n", build.compiler.c_str());
  std::printf("flags:    %s\n", build.flags.c_str());
  std::string why;
  const CudaFunctions* cuda = find_cuda(&why);
  std::printf("backends: %s\n", cuda ? "cpu, cuda" : "cpu");
  if (!cuda) std::printf("cuda:     none: %s\n", why.c_str());
  int n_devices = 0;
  if (cuda) cuda->count_devices(&n_devices);
  for (int i = 0; i < n_devices; ++i) {
    CudaDeviceInfo info{};
    if (const char* error = cuda->describe_device(i, &info)) {
      std::printf("cuda:     device %d: %s\n", i, error);
      continue;
    }
    std::printf("cuda:     device %d: %s, sm_%d, %d multiprocessors, %.1f of %.1f GiB free\n", i,
                info.name, info.compute_capability, info.n_multiprocessors,
                static_cast<double>(info.n_free_bytes) / 1073741824.0,
                static_cast<double>(info.n_bytes) / 1073741824.0);
  }
  if (has_mujoco())
    std::printf("mujoco:   %s (%s)\n", mujoco_version(), mujoco_library_path().c_str());
  else
    std::printf("mujoco:   not in this build\n");
  std::printf("isa:      %s\n", runnable_isa_names().c_str());
  std::printf("threads:  %s\n", usable_cores().text().c_str());
  std::printf("cpu:      %s\n", cpu_name().c_str());
}

}  // namespace

void add_info_command(CLI::App& app, int& exit_code) {
  CLI::App* command =
      app.add_subcommand("info", "print backends, instruction sets and how this was built");
  command->callback([&exit_code] {
    print_info();
    exit_code = 0;
  });
}

}  // namespace spikelane
