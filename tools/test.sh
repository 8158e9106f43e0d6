#!/usr/bin/env bash
# Builds, runs all tests, then the unit tests again under sanitizers: without the golden data, the
# long ones and those that look at the house, with the best instruction set of the machine alone;
# the thread sanitizer sees only what has threads.
# Sanitized builds and tests run beside the other tests, so that no core waits.
# Ends with one line: N passed, N failed, N skipped.
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

n_passed=0 n_failed=0 n_skipped=0
scratch=$(mktemp -d)
trap 'kill $(jobs -p) 2> /dev/null; rm -rf "$scratch"' EXIT

finish() {
  echo "$n_passed passed, $n_failed failed, $n_skipped skipped"
  [ "$n_failed" -eq 0 ] && [ "$n_passed" -gt 0 ]
  exit
}

fail() {
  echo "failed: $1"
  n_failed=$((n_failed + 1))
}

# every run of the test program leaves "begin PID" and "end PID passed failed skipped"; one that
# died has no end, and one that never started is known to ctest only
run_tests() {
  local name=$1 status=0 begun passed failed skipped ended counts
  shift
  counts=$(mktemp -p "$scratch")
  SPIKELANE_TEST_COUNTS=$counts "$@" || status=$?
  read -r begun ended passed failed skipped < <(awk '
    $1 == "begin" { begun++ }
    $1 == "end" { ended++; passed += $3; failed += $4; skipped += $5 }
    END { print begun + 0, ended + 0, passed + 0, failed + 0, skipped + 0 }' "$counts")
  failed=$((failed + begun - ended))
  if [ "$status" -ne 0 ] && [ "$failed" -eq 0 ]; then failed=1; fi
  echo "$name: $passed passed, $failed failed, $skipped skipped (${SECONDS} s after the start)"
  n_passed=$((n_passed + passed)) n_failed=$((n_failed + failed)) n_skipped=$((n_skipped + skipped))
}

if ! bash tools/build.sh; then
  fail "build"
  finish
fi
echo "built (${SECONDS} s after the start)"

# g++ 12's sanitizers do not know the memory layout of kernels with more address randomisation
fixed_layout=()
if setarch -R true 2> /dev/null; then fixed_layout=(setarch -R); fi

# leak checks need ptrace, which some containers forbid; the other checks do without
if echo 'int main() {}' | g++ -fsanitize=address -x c++ - -o "$scratch/probe" &&
  ! "${fixed_layout[@]}" "$scratch/probe" 2> /dev/null; then
  echo "note: no leak checks here (ptrace is forbidden)"
  export ASAN_OPTIONS=detect_leaks=0
fi

# the Python package, by the library of this build; Python is optional
test_python() {
  local venv=build/python_tests
  if ! python3 -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2> /dev/null; then
    echo "note: no Python 3.11 or newer, so no tests of the Python package"
  elif ! { [ -x $venv/bin/pytest ] || python3 -m venv $venv; } > "$scratch/python" 2>&1; then
    echo "note: no python3-venv, so no tests of the Python package"
  elif ! { [ -x $venv/bin/pytest ] || $venv/bin/pip install --quiet numpy pytest scikit-learn; } \
    > "$scratch/python" 2>&1; then
    echo "note: numpy and pytest cannot be installed, so no tests of the Python package"
  else
    run_tests python env SPIKELANE_LIBRARY="$PWD/build/release/python/libspikelane_python.so" \
      PYTHONPATH=python $venv/bin/python -X dev -m pytest -q python/tests
  fi
}
# runs in a subshell of its own: its sums go into a file
sanitized() {
  local preset generator
  for preset in asan tsan; do
    generator=()
    if [ ! -e "build/$preset/CMakeCache.txt" ]; then generator=(-G Ninja); fi
    if cmake --preset "$preset" "${generator[@]}" > "$scratch/$preset" &&
      cmake --build "build/$preset" --target spikelane_tests -j "$(nproc)" >> "$scratch/$preset"; then
      run_tests "$preset" "${fixed_layout[@]}" ctest --test-dir "build/$preset" -L '^unit$' \
        --output-on-failure -j "$(nproc)"
    else
      cat "$scratch/$preset"
      fail "build under $preset"
    fi
  done
  echo "$n_passed $n_failed $n_skipped" > "$scratch/sums"
}
sanitized > "$scratch/sanitized" 2>&1 &
in_background=$!

run_tests release ctest --test-dir build/release --output-on-failure -j "$(nproc)"
test_python

# the CUDA backend: on a device or through an emulator of one, else its tests say they are skipped
if [ -e build/release/libspikelane_cuda.so ]; then
  run_tests cuda ctest --test-dir build/release -C cuda -L '^cuda$' --output-on-failure
  # an emulator may take blocks and threads in any order, and streams as late as they may be
  if [ ! -e /dev/nvidiactl ]; then
    run_tests "cuda, other order" env EMU_ORDER=rand:1 EMU_LAZY=1 ctest --test-dir build/release \
      -C cuda -R '^cuda/(backend_table|train|record|steps|ranks)_test$' --output-on-failure
  fi
else
  echo "note: no nvcc, so no tests of the CUDA backend"
fi

wait "$in_background"
cat "$scratch/sanitized"
if read -r passed failed skipped < "$scratch/sums"; then
  n_passed=$((n_passed + passed)) n_failed=$((n_failed + failed)) n_skipped=$((n_skipped + skipped))
else
  fail "tests under sanitizers did not end"
fi
finish
