#!/usr/bin/env bash
# Speed as a ratio: the benchmark's scenes beside the floor kernels (stand-alone programs written
# for one job each), alternating on the same machine, the fastest of both. Prints a markdown table.
#   bash tools/floor_ratio.sh [ROUNDS]      default: 5
#   SPIKELANE_FLOOR     folder of the floor kernels' sources, default: ../shared/floor
#   SPIKELANE_PROGRAM   default: build/release/spikelane, which is built first
#   THREADS             of both sides in the rows that do not say how many, default: 2
#   PYTHON              a python3 with numpy, which makes the floor kernels' data
# A floor kernel that cannot be built or run here is skipped, with the reason.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

rounds=${1:-5}
threads=${THREADS:-2}
floor=${SPIKELANE_FLOOR:-../shared/floor}
python=${PYTHON:-python3}
program=${SPIKELANE_PROGRAM:-build/release/spikelane}
if [ -z "${SPIKELANE_PROGRAM:-}" ]; then bash tools/build.sh program; fi

work=$(mktemp -d)
busy=
trap '[ -z "$busy" ] || kill "$busy" 2> /dev/null; rm -rf "$work"' EXIT

# the build line is the g++ command in a source's first comment
build_floor() {
  local source=$floor/$1.cpp line
  line=$(head -n 1 "$source" | grep -o 'g++ .*\.cpp' | head -n 1)
  # shellcheck disable=SC2086
  (cd "$floor" && ${line% *} "$1.cpp" -o "$work/$1" 2> "$work/$1.log")
}

has() { [ -x "$work/$1" ]; }

if [ -d "$floor" ]; then
  # philox.cpp names no build line of its own; it is built as the others are
  for kernel in floor w3floor w4floor; do
    build_floor "$kernel" || echo "skipped: $kernel.cpp does not build here"
  done
  g++ -std=c++20 -O3 -march=native -fno-trapping-math -ffp-contract=off -fopenmp \
    "$floor/philox.cpp" -o "$work/philox" 2> /dev/null ||
    echo "skipped: philox.cpp does not build here"
  if "$python" -c 'import numpy' 2> /dev/null; then
    "$python" "$floor/gen.py" "$work/data" > /dev/null
  else
    echo "skipped: w1 and w2, no numpy to make their data with (sudo apt-get install python3-numpy)"
    rm -f "$work/floor"
  fi
  if ! grep -qw avx512f /proc/cpuinfo; then
    echo "skipped: the floor kernels but w4floor, no AVX-512 here"
    rm -f "$work/floor" "$work/w3floor" "$work/philox"
  fi
else
  echo "skipped: no floor kernels in $floor"
fi

# results lie in $work/<name>.<round>: JSON of the program, text of the floor kernels
for ((round = 1; round <= rounds; ++round)); do
  bench() {
    local name=$1
    shift
    "$program" bench "$@" --json "$work/$name.$round.json" > /dev/null
  }
  keep() {
    local name=$1
    shift
    "$@" > "$work/$name.$round.txt"
  }
  ! has floor || keep w1 "$work/floor" "$work/data" w1 "$threads" 5
  bench es_seed es_seed --threads "$threads"
  ! has floor || keep w2 "$work/floor" "$work/data" w2 "$threads" 5
  bench es_randman es_randman --threads "$threads"
  bench two es_randman --threads 2
  bench one es_randman --threads 1
  bench avx512 es_seed es_randman ec_shape_drawn latency --threads "$threads"
  if grep -qw avx2 /proc/cpuinfo; then
    bench avx2 es_seed es_randman ec_shape_drawn latency --threads "$threads" --isa x86-64-v3
  fi
  ! has w3floor || keep w3 "$work/w3floor" float 512 "$threads" 5
  bench drawn ec_shape_drawn --threads "$threads"
  ! has philox || keep philox "$work/philox"
  bench ec_shape ec_shape --threads "$threads"
  for n in 64 256; do ! has w4floor || keep w4_$n "$work/w4floor" $n; done
  bench latency latency --threads 1

  # half a machine of two cores is somebody else's
  taskset -c 0 bash -c 'while :; do :; done' &
  busy=$!
  bench busy es_randman --threads 2
  kill "$busy"
  wait "$busy" 2> /dev/null || true
  busy=
done

"$python" - "$work" "$threads" << 'EOF_PYTHON'
import glob
import json
import re
import sys

work, threads = sys.argv[1:]


def bench(name, scene, key="seconds_min", best=min):
    """The best figure of all rounds, or None."""
    values = []
    for path in glob.glob(f"{work}/{name}.*.json"):
        values += [s[key] for s in json.load(open(path))["scenes"] if s["scene"] == scene]
    return best(values) if values else None


def floor(name, pattern, best=max):
    values = []
    for path in glob.glob(f"{work}/{name}.*.txt"):
        values += [float(x) for x in re.findall(pattern, open(path).read())]
    return best(values) if values else None


def row(what, ours, theirs, unit, least, goal, digits=1):
    if ours is None or theirs is None:
        print(f"| {what} | - | - | skipped | {least} | {goal} |")
        return
    print(f"| {what} | {ours:.{digits}f} {unit} | {theirs:.{digits}f} {unit} "
          f"| **{ours / theirs:.2f}** | {least} | {goal} |")


def mega(value):
    return value and value * 1e-6


print("| scene / beside it | ours | beside it | ratio | least | goal |")
print("|---|---|---|---|---|---|")
speed = "sample_steps_per_s"
row("es_seed / floor w1", mega(bench("es_seed", "es_seed", speed, max)),
    floor("w1", r"([\d.]+) M sample-steps"), "M/s", 0.5, 1.0)
row("es_randman, whole generation / floor w2", mega(bench("es_randman", "es_randman", speed, max)),
    floor("w2", r"([\d.]+) M sample-steps"), "M/s", 1.0, "2 to 4")
row("ec_shape_drawn / w3floor float", mega(bench("drawn", "ec_shape_drawn", speed, max)),
    floor("w3", r"([\d.]+) M network-steps"), "M/s", 0.4, 1.0, 3)
row("ec_shape, its normals / philox", mega(bench("ec_shape", "ec_shape", "normals_per_s", max)),
    floor("philox", rf"Box-Muller, {threads} thread.*?(\d+) M/s"), "M/s", "", 0.8, 0)
for n, least, goal in ((64, 1.5, 1.0), (256, 0.75, 0.4)):
    row(f"latency {n}, time / w4floor", bench("latency", f"latency_{n}", "microseconds_mean"),
        floor(f"w4_{n}", r"min ([\d.]+) us", min), "us", least, goal, 3)
for scene in ("es_seed", "es_randman", "ec_shape_drawn", "latency_64", "latency_256"):
    row(f"AVX2 / AVX-512, {scene}", mega(bench("avx2", scene, speed, max)),
        mega(bench("avx512", scene, speed, max)), "M/s", 0.45, 0.5, 2)
row("two threads / one, es_randman", mega(bench("two", "es_randman", speed, max)),
    mega(bench("one", "es_randman", speed, max)), "M/s", 1.9, 1.97)
row("with a busy program on one core / without, es_randman",
    mega(bench("busy", "es_randman", speed, max)),
    mega(bench("two", "es_randman", speed, max)), "M/s", 0.45, 0.5)
EOF_PYTHON
