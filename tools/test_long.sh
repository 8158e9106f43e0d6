#!/usr/bin/env bash
# What is too long for tools/test.sh: kills a training 200 times, each time while it runs or writes a
# checkpoint, and resumes it; runs the CUDA tests through an emulator in other orders and with its race
# check; reads what ptxas reports for all architectures; tests the task mujoco with other versions of
# MuJoCo, against Gymnasium too; then trains a config with several seeds and prints a table.
#   bash tools/test_long.sh [CONFIG.json]...      default: configs/randman_es.json
#   SEEDS="1 2 3"      seeds of the run
#   KILLS=200          how often; 0: not at all
#   STEPS=10000000     steps of the C API in which allocations are counted; 0: none
#   ORDERS="EMU_ORDER=rev EMU_RACE=1"    settings of the emulator, default: more of them; "": none
#   MUJOCOS="3.2.7 3.8.1 4.0.0"          versions of MuJoCo beside the system's, from PyPI; "": none
#   LEAST=94           fail below that test accuracy in %, default: none (94 for the default config)
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

seeds=${SEEDS:-1 2 3}
least=${LEAST:-}
if [ $# -eq 0 ]; then
  set -- configs/randman_es.json
  least=${least:-94}
fi

kills=${KILLS:-200}
if [ "$kills" -gt 0 ]; then
  bash tools/build.sh
  SPIKELANE_KILLS=$kills build/release/spikelane_tests --test-case="kills:*"
else
  bash tools/build.sh program
fi
steps=${STEPS:-10000000}
if [ "$steps" -gt 0 ]; then
  if [ "$kills" -eq 0 ]; then bash tools/build.sh; fi
  SPIKELANE_LONG_STEPS=$steps build/release/spikelane_tests --test-case="api: a hundred thousand*"
fi
if [ -e build/release/libspikelane_cuda.so ]; then
  SPIKELANE_PTXAS="75 80 90 100" ctest --test-dir build/release -C cuda -R '^cuda/ptxas_report_test$' \
    --output-on-failure
fi
orders=${ORDERS-EMU_ORDER=rev EMU_ORDER=rand:2 EMU_ORDER=rand:3 EMU_RACE=1}
if [ -e build/release/libspikelane_cuda.so ] && [ ! -e /dev/nvidiactl ]; then
  for order in $orders; do
    echo "CUDA with $order"
    # the race check takes ten times as long and leaves out what is large in the table alone
    names='backend_table|train|record|steps|ranks'
    if [ "$order" = EMU_RACE=1 ]; then names='backend_table|train'; fi
    env "$order" ctest --test-dir build/release -C cuda -R "^cuda/($names)_test\$" --output-on-failure
  done
fi
for version in ${MUJOCOS-3.2.7 3.8.1 4.0.0}; do
  echo "MuJoCo $version"
  bash tools/fetch_mujoco.sh "$version" > /dev/null
  folder=$PWD/build/mujoco/$version
  # the same library for Gymnasium, whose steps are compared with ours
  if [ ! -e "$folder/venv" ]; then
    python3 -m venv "$folder/venv"
    "$folder/venv/bin/pip" install -q gymnasium==1.4.0 mujoco=="$version" imageio packaging
  fi
  cmake --preset dev -G Ninja -B "$folder/build" -DMUJOCO_ROOT="$folder/mujoco" > "$folder/cmake.log"
  cmake --build "$folder/build" --target spikelane_tests spikelane_program -j "$(nproc)" > "$folder/build.log"
  SPIKELANE_PYTHON=$folder/venv/bin/python "$folder/build/spikelane_tests" \
    --source-file='*tests/tasks/mujoco_task*,*tests/tasks/gymnasium*,*tests/tools/control_test*'
done
results=()
for config in "$@"; do
  for seed in $seeds; do
    out=out/long/$(basename "$config" .json)/seed_$seed
    build/release/spikelane train "$config" --set seed="$seed" --out "$out"
    results+=("$out/results.json")
  done
done

python3 - "${least:-0}" "${results[@]}" << 'EOF_PYTHON'
import json
import pathlib
import sys

least = float(sys.argv[1])
is_good = True
print("| config | seed | updates | test accuracy (%) | seconds | sample-steps/s | state hash |")
print("|---|---|---|---|---|---|---|")
for name in sys.argv[2:]:
    path = pathlib.Path(name)
    results = json.loads(path.read_text())
    final, timing = results["final"], results["timing"]
    accuracy = 100 * final["test_accuracy"]
    is_good = is_good and accuracy >= least
    print(
        f"| {path.parent.parent.name} | {results['seed']} | {final['update']} | {accuracy:.2f} "
        f"| {timing['total_s']:.1f} | {timing['sample_steps_per_s']:.3g} "
        f"| `{results['state_hash']}` |"
    )
machine = json.loads(pathlib.Path(sys.argv[-1]).read_text())["machine"]
print(f"{machine['cpu']}, {machine['isa']}, {machine['n_threads']} threads")
if not is_good:
    sys.exit(f"a test accuracy is below {least:g} %")
EOF_PYTHON
