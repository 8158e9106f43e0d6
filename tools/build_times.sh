#!/usr/bin/env bash
# Where the time of a cold build and of the tests goes, as a table: builds release, asan and tsan anew
# in build/times, without a compiler cache, runs every suite, and adds up ninja's and ctest's times.
# The seconds of a row are summed over its jobs; with as many jobs as cores on an idle machine the
# time that passes is about the sum over the cores.
#   bash tools/build_times.sh          needs as long as tools/test.sh without a cache
#   bash tools/build_times.sh --read   the table alone, of the logs in build/times or in $TIMES
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
times=${TIMES:-build/times}

build() {
  local preset=$1 start
  start=$(date +%s.%N)
  cmake --preset "$preset" -B "$times/$preset" -G Ninja -DSPIKELANE_CCACHE=OFF > "$times/$preset.log"
  echo "$(date +%s.%N) - $start" | python3 -c 'print(eval(input()))' > "$times/$preset.configure"
  cmake --build "$times/$preset" -j "$(nproc)" >> "$times/$preset.log"
}

# a failed test is in the table all the same, and named
run_tests() {
  local preset=$1 suite=$2
  shift 2
  "$@" ctest --test-dir "$times/$preset" -j "$(nproc)" --output-junit "$PWD/$times/$suite.xml" \
    "${options[@]}" > "$times/$suite.log" || echo "note: tests failed, see $times/$suite.log"
}

if [ "${1:-}" != --read ]; then
  unset CMAKE_CXX_COMPILER_LAUNCHER
  rm -rf "$times"
  mkdir -p "$times"
  for preset in release asan tsan; do build "$preset"; done
  options=()
  run_tests release release env
  if [ -e "$times/release/libspikelane_cuda.so" ]; then
    # an emulator translates all kernels: its cache is empty as after a clone
    options=(-C cuda -L '^cuda$')
    run_tests release cuda env CUDA_EMULATOR_CACHE="$PWD/$times/emulator"
  fi
  fixed_layout=(env)
  if setarch -R true 2> /dev/null; then fixed_layout=(setarch -R); fi
  options=(-L '^unit$')
  for preset in asan tsan; do
    run_tests "$preset" "$preset" "${fixed_layout[@]}"
  done
fi

python3 - "$times" "$(nproc)" << 'EOF_PYTHON'
import pathlib
import re
import sys
import xml.etree.ElementTree

times, n_cores = pathlib.Path(sys.argv[1]), int(sys.argv[2])
GROUPS = [  # the first that matches names the row
    (r"/ptxas/", "reports of ptxas"),
    (r"spikelane_(isa_\w+)\.dir", None),
    (r"^kernels/cuda/|libspikelane_cuda", "CUDA (nvcc)"),
    (r"^tests/|spikelane_tests", "tests"),
    (r"^tools/|^spikelane$", "tools"),
    (r"^tasks/", "tasks"),
    (r"__/engine/|^engine/", "engine"),
    (r"^kernels/", "kernels, for every instruction set"),
]


def read_ninja(folder):
    """Seconds of each group and the seconds that passed, of the last build of each object."""
    jobs = {}
    for line in (folder / ".ninja_log").read_text().splitlines()[1:]:
        start, end, _, output, command = line.split("\t")
        jobs[command] = (int(start), int(end), output)
    sums = {}
    for start, end, output in jobs.values():
        output = re.sub("^" + re.escape(str(folder.resolve())) + "/", "", output)
        name = "other"
        for pattern, row in GROUPS:
            match = re.search(pattern, output)
            if match:
                name = row or match[1]
                break
        seconds, n = sums.get(name, (0.0, 0))
        sums[name] = (seconds + (end - start) / 1000, n + 1)
    return sums


print("| part | jobs | seconds, summed |")
print("|---|---|---|")
total = 0.0


def row(name, n, seconds):
    global total
    total += seconds
    print(f"| {name} | {n} | {seconds:.1f} |")


for preset in ("release", "asan", "tsan"):
    folder = times / preset
    if not (folder / ".ninja_log").exists():
        continue
    configure = times / f"{preset}.configure"
    if configure.exists():
        row(f"{preset}: configure", 1, float(configure.read_text()))
    for name, (seconds, n) in sorted(read_ninja(folder).items(), key=lambda item: -item[1][0]):
        row(f"{preset}: {name}", n, seconds)
longest = []
for suite in ("release", "cuda", "asan", "tsan"):
    file = times / f"{suite}.xml"
    if not file.exists():
        continue
    rooms = {}
    for case in xml.etree.ElementTree.parse(file).iter("testcase"):
        name, seconds = case.get("name"), float(case.get("time"))
        room = name.split("/")[0]
        before, n = rooms.get(room, (0.0, 0))
        rooms[room] = (before + seconds, n + 1)
        longest.append((seconds, f"{suite}: {name}"))
    for room, (seconds, n) in sorted(rooms.items(), key=lambda item: -item[1][0]):
        row(f"tests of {suite}: {room}", n, seconds)
print(f"| all, over {n_cores} cores {total / n_cores / 60:.1f} min | | {total:.1f} |")
if longest:
    print("\nThe longest tests:\n\n| test | seconds |\n|---|---|")
    for seconds, name in sorted(longest, reverse=True)[:15]:
        print(f"| {name} | {seconds:.1f} |")
EOF_PYTHON
