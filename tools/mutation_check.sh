#!/usr/bin/env bash
# Puts small faults (a sign, off by one, a missing barrier, a lost term) into kernels, engine and
# readers, one after the other, and counts which of them the tests find. A fault is found where a test
# fails or dies. Needs an hour or more; works on a copy of the last commit in build/mutation.
#   bash tools/mutation_check.sh [NUMBER ...]     default: all faults
# Ends with 1 where a fault was not found, or could not be put in or built.
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
root=$PWD
copy=$root/build/mutation/source

# file | text, which stands there once | text instead | files of tests that look at it first
faults=(
  'kernels/core/leaky.h|sub_where(r, beta * v + current, threshold)|add_where(r, beta * v + current, threshold)|run/hash_table'
  'kernels/core/alif.h|x.is_eligible = x.refractory < one;|x.is_eligible = x.refractory <= one;|run/hash_table'
  'kernels/core/alif.h|x.threshold = c.b0 + c.beta * x.b;|x.threshold = c.b0;|run/hash_table'
  'kernels/core/alif.h|own_exp(-distance)|own_exp(distance)|run/kernl_hash'
  'kernels/core/random.h|round < 10|round < 9|kernels/random'
  'kernels/step/loss.h|(own_log(sum[lane]) + gap) + spoilt[lane]|own_log(sum[lane]) + gap|learning/loss'
  'kernels/step/loss.h|n_classes > 1 ? n_classes - 1 : 1|n_classes > 1 ? n_classes : 1|learning/loss'
  'kernels/step/optimiser_step.h|*p = *p - step;|*p = *p + step;|learning/'
  'kernels/step/optimiser_step.h|o.momentum * *first + g;|o.momentum * *first - g;|learning/'
  'kernels/step/neuron_lanes.h|team.sync();  // the sums of the population before have been read||run/worker_threads'
  'engine/learning/sums.h|kSumBlock = 8|kSumBlock = 7|learning/'
  'engine/learning/schedule.cpp|(1.0 + own_cos|(1.0 - own_cos|learning/'
  'engine/learning/schedule.cpp|if (phase.from_update <= update)|if (phase.from_update < update)|learning/'
  'engine/learning/parameter_average.cpp|(n + 1.0) / (n + 10.0)|n / (n + 10.0)|learning/'
  'engine/state/hash.cpp|XXH64_reset(of(state_.get()), 0)|XXH64_reset(of(state_.get()), 1)|run/hash_table'
  'engine/report/safetensors_header.cpp|if (info->begin != expected)|if (info->begin < expected)|report/'
  'engine/report/checksum.cpp|content.substr(position + kNoChecksum.size())|content.substr(position + kNoChecksum.size() + 1)|report/'
  'tasks/mnist/idx_file.cpp|bytes[1] << 16|bytes[1] << 8|tasks/'
  'tasks/mnist/idx_file.cpp|if (n_read < n)|if (n_read + 1 < n)|tasks/'
  'tasks/control/cartpole.h|s.theta + kTau * s.theta_dot|s.theta - kTau * s.theta_dot|tasks/'
)

rm -rf "$copy"
mkdir -p "$copy"
git archive HEAD | tar -x -C "$copy"
ln -sfn "$root/../shared" "$root/build/mutation/shared"
cd "$copy" || exit 1

# where it lies in any checkout, so that a compiler cache knows its objects
build=$copy/build/dev
log=$root/build/mutation/log
build_tests() {
  cmake --build "$build" --target spikelane_tests spikelane_program -j "$(nproc)" > "$log" 2>&1
}
# a fault may make a program wait for ever
run_tests() {
  timeout 900 "$build/spikelane_tests" --test-suite-exclude=long,house "$@" > "$log" 2>&1
}

if ! cmake --preset dev -G Ninja > "$log" 2>&1 || ! build_tests; then
  tail -n 30 "$log"
  echo "error: the source does not build without a fault" >&2
  exit 1
fi
# tests that fail without a fault would prove nothing; the source must be built as it was
declare -A is_good
check_without_fault() {
  if [ -n "${is_good[$1]:-}" ]; then return; fi
  if ! run_tests --source-file="$1"; then
    tail -n 30 "$log"
    echo "error: $1 fails without a fault" >&2
    exit 1
  fi
  is_good[$1]=yes
}

if [ $# -eq 0 ]; then
  numbers=("${!faults[@]}")
else
  numbers=()
  for number in "$@"; do numbers+=("$((number - 1))"); done
fi

n_found=0
for i in "${numbers[@]}"; do
  IFS='|' read -r file text instead first <<< "${faults[i]:-}"
  if [ -z "$file" ]; then
    echo "error: there is no fault $((i + 1)); allowed are 1 to ${#faults[@]}" >&2
    exit 1
  fi
  if ! build_tests; then echo "error: the source does not build without a fault" >&2; exit 1; fi
  check_without_fault "*tests/$first*"
  cp "$file" "$root/build/mutation/kept"
  result="could not be put in: the text stands there not once"
  if python3 - "$file" "$text" "$instead" << 'EOF_PYTHON'; then
import pathlib
import sys

path, text, instead = pathlib.Path(sys.argv[1]), sys.argv[2], sys.argv[3]
source = path.read_text()
if source.count(text) != 1:
    sys.exit(1)
path.write_text(source.replace(text, instead))
EOF_PYTHON
    if ! build_tests; then
      result="could not be built"
    elif ! run_tests --source-file="*tests/$first*"; then
      result="found by tests/$first: $(grep -c 'ERROR:' "$log") errors"
    elif ! run_tests; then
      place=$(grep -m 1 -o 'tests/[a-z_/]*\.cpp' "$log" || echo "a test that died")
      result="found by $place"
    else
      result="NOT FOUND"
    fi
  fi
  cp "$root/build/mutation/kept" "$file"
  if [[ $result = "found by "* ]]; then
    if [[ $result != "found by tests/$first:"* ]]; then
      build_tests || exit 1
      check_without_fault "*"
    fi
    n_found=$((n_found + 1))
  fi
  echo "$((i + 1)) $file: $text -> ${instead:-nothing}: $result"
done
echo "$n_found of ${#numbers[@]} faults were found"
[ "$n_found" -eq "${#numbers[@]}" ]
