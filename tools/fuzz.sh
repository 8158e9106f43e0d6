#!/usr/bin/env bash
# Fuzzes the readers of outside data with libFuzzer, address and undefined-behaviour sanitizers on.
#   bash tools/fuzz.sh [SECONDS]             builds into build/fuzz; 60 s for each target
#   bash tools/fuzz.sh --built [SECONDS]     only runs what is built
#   TARGETS="config idx"                     only these
# Starts from tests/fuzz/corpus; what is found on the way stays in build/fuzz/corpus. An input that
# breaks something is left in build/fuzz/found: once it is mended, put it into the corpus.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

is_built=false
if [ "${1:-}" = --built ]; then
  is_built=true
  shift
fi
seconds=${1:-60}
targets=${TARGETS:-$(ls tests/fuzz/corpus)}

if ! $is_built; then
  bash tools/build.sh program > /dev/null
  for package in clang libclang-rt-14-dev; do
    if dpkg-query -W -f '${db:Status-Status}' "$package" 2> /dev/null | grep -qx installed; then continue; fi
    echo "installing: $package"
    as_root=()
    if [ "$(id -u)" -ne 0 ]; then as_root=(sudo); fi
    "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -q \
      --no-install-recommends "$package" > /dev/null
  done
  generator=()
  if [ ! -e build/fuzz/CMakeCache.txt ]; then generator=(-G Ninja -DCMAKE_CXX_COMPILER=clang++); fi
  cmake --preset fuzz "${generator[@]}" > /dev/null
  cmake --build build/fuzz --target spikelane_fuzzers -j "$(nproc)"
fi

# leak checks need ptrace, which some containers forbid
export ASAN_OPTIONS=detect_leaks=0:allocator_may_return_null=0
status=0
mkdir -p build/fuzz/found
for target in $targets; do
  mkdir -p "build/fuzz/corpus/$target"
  log=build/fuzz/$target.log
  if ! "build/fuzz/fuzz_$target" -max_total_time="$seconds" -timeout=20 -rss_limit_mb=2048 \
    -max_len=65536 -print_final_stats=1 -artifact_prefix="build/fuzz/found/$target-" \
    "build/fuzz/corpus/$target" "tests/fuzz/corpus/$target" > "$log" 2>&1; then
    status=1
    echo "$target: FAILED, see $log and build/fuzz/found"
    continue
  fi
  runs=$(awk '/number_of_executed_units/ { print $2 }' "$log")
  cover=$(grep -o 'cov: [0-9]*' "$log" | tail -n 1)
  echo "$target: $runs inputs in $seconds s, ${cover:-cov: ?} edges, nothing found"
done
exit $status
