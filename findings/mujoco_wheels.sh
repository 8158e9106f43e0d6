#!/usr/bin/env bash
# MuJoCo on PyPI: the wheel of mujoco 3.17.0 holds headers and libmujoco.so.3.17.0. The wheel of mujoco 4.0.0
# holds neither; they are in the package mujoco-core. No wheel has a library that is called libmujoco.so, so
# -lmujoco and CMake's find_library(mujoco) do not find any. Exits 1 if that changes.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
list() {  # PACKAGE VERSION: files of its wheel
  python3 -m pip download -q --disable-pip-version-check --no-deps --only-binary=:all: --python-version 3.11 \
    -d "$work/$1-$2" "$1==$2"
  python3 -m zipfile -l "$work/$1-$2"/*.whl | awk '{print $1}' > "$work/$1-$2.txt"
  echo "$1 $2: $(grep -c 'mujoco/include/.*\.h$' "$work/$1-$2.txt" || true) headers," \
    "library: $(grep -o 'libmujoco\.so.*' "$work/$1-$2.txt" | tr '\n' ' ')"
}
list mujoco 3.17.0
list mujoco 4.0.0
list mujoco-core 4.0.0
grep -q '^mujoco/libmujoco\.so\.3\.17\.0$' "$work/mujoco-3.17.0.txt"
grep -q '^mujoco/include/mujoco/mujoco\.h$' "$work/mujoco-3.17.0.txt"
if grep -qE 'libmujoco\.so|mujoco/mujoco\.h$' "$work/mujoco-4.0.0.txt"; then exit 1; fi
grep -q '^mujoco/libmujoco\.so\.4\.0\.0$' "$work/mujoco-core-4.0.0.txt"
if grep -qh '/libmujoco\.so$' "$work"/*.txt; then exit 1; fi
