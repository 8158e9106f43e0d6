// What this program is and what it runs on, as written into results.
#pragma once

#include <string>

#include "engine/report/results.h"

namespace spikelane {

/// Source revision, compiler and flags, as the build system handed them to build_info.cpp;
/// "unknown" for what it did not.
BuildInfo build_info();

/// The processor's name from /proc/cpuinfo; "unknown" where there is none.
std::string cpu_name();

}  // namespace spikelane
