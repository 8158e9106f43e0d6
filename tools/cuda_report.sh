#!/usr/bin/env bash
# What ptxas says of the CUDA kernels: registers, static shared memory, local memory and spills.
# Ends with 1 where there was a warning, where a kernel spills or has local memory, or where there
# is no kernel at all.
#   bash tools/cuda_report.sh [ARCH ...]         default: 75 80 90 100; built in $BUILD, build/release
#   bash tools/cuda_report.sh --read FILE ...    reports that are there, named NAME.sm_ARCH.txt
set -euo pipefail
if [ "${1:-}" = --read ]; then
  shift
  reports=("$@")
else
  root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
  build=${BUILD:-$root/build/release}
  if [ $# -eq 0 ]; then set -- 75 80 90 100; fi
  architectures=("$@")
  reports=() targets=()
  for architecture in "${architectures[@]}"; do targets+=("spikelane_ptxas_$architecture"); done
  if ! cmake --build "$build" --target "${targets[@]}" -j "$(nproc)" > /dev/null; then
    cat "$build"/kernels/cuda/ptxas/*.txt | grep -E 'error|warning' >&2 || true
    echo "error: not all kernels were compiled" >&2
    exit 1
  fi
  for architecture in "${architectures[@]}"; do
    reports+=("$build"/kernels/cuda/ptxas/*.sm_"$architecture".txt)
  done
fi

# a device function that was not inlined has properties of its own, before or after its kernel's
awk '
  FNR == 1 { split(FILENAME, parts, "."); architecture = parts[length(parts) - 1] }
  /[Ww]arning/ { print "warning: " FILENAME ": " $0; n_bad++ }
  /Compiling entry function/ { entry = $0; gsub(/.*function .|. for .*/, "", entry) }
  /Function properties for/ { name = $NF }
  / bytes stack frame/ {
    if (name == entry) memory = $1 "|" $5 "|" $9
    if ($1 + $5 + $9 == 0) next
    print "spills or local memory: " name ", " architecture
    n_bad++
  }
  / Used [0-9]+ registers/ {
    shared = 0
    for (i = 2; i <= NF; i++) {
      if ($i ~ /^registers/) registers = $(i - 1)
      if ($i ~ /^smem/) shared = $(i - 2)
    }
    print entry "|" architecture "|" registers "|" shared "|" memory
    n++
  }
  END {
    if (n == 0) print "no kernel in the reports"
    exit n == 0 || n_bad > 0
  }' "${reports[@]}" | c++filt | sed -E 's/spikelane::(isa_cuda::)?//g; s/^void //; s/\|/ | /g' |
  awk 'BEGIN { print "kernel | device | registers | shared bytes | stack frame | spill stores | loads" }
       { print }'
