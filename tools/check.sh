#!/usr/bin/env bash
# The inner loop: builds what changed (preset dev) and runs the test cases or files that match.
#   bash tools/check.sh [PATTERN]     default: all unit tests
# A test runs where PATTERN is part of its file's path below tests/, e.g. run, config/docs, resume; where
# no file matches, it is a doctest pattern of test cases, e.g. "resume:*".
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

pattern=${1:-}
if [ ! -e build/dev/build.ninja ]; then cmake --preset dev -G Ninja > /dev/null; fi
cmake --build build/dev --target spikelane_tests -j "$(nproc)" |
  sed -u -n -E '/error|warning|FAILED|note:/p;$p'
if [ -z "$pattern" ]; then
  exec ctest --test-dir build/dev -L '^unit$' -j "$(nproc)" --output-on-failure
fi
files=$(find tests -name '*.cpp' -path "tests/*$pattern*" -exec grep -l TEST_CASE {} + | paste -sd, |
  sed 's,\(^\|\,\)tests/,\1*tests/,g')
if [ -n "$files" ]; then
  exec build/dev/spikelane_tests --source-file="$files" --test-suite-exclude=golden,long
fi
exec build/dev/spikelane_tests --test-case="$pattern"
