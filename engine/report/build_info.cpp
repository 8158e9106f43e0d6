#include "engine/report/build_info.h"

#include <fstream>
#include <initializer_list>

// defined by engine/CMakeLists.txt, for this file only
#ifndef SPIKELANE_REVISION
#define SPIKELANE_REVISION "unknown"
#endif
#ifndef SPIKELANE_COMPILER
#define SPIKELANE_COMPILER "unknown"
#endif
#ifndef SPIKELANE_FLAGS
#define SPIKELANE_FLAGS "unknown"
#endif

namespace spikelane {

BuildInfo build_info() { return {SPIKELANE_REVISION, SPIKELANE_COMPILER, SPIKELANE_FLAGS}; }

std::string cpu_name() {
  std::ifstream file("/proc/cpuinfo");
  std::string line;
  while (std::getline(file, line)) {
    // x86 writes "model name", some Arm kernels "Model" or "Hardware"
    for (const char* key : {"model name", "Model", "Hardware"}) {
      const std::size_t colon = line.find(": ");
      if (line.rfind(key, 0) == 0 && colon != std::string::npos) return line.substr(colon + 2);
    }
  }
  return "unknown";
}

}  // namespace spikelane
