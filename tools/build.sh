#!/usr/bin/env bash
# Installs what is missing (Debian, apt), builds program and tests into build/release.
#   bash tools/build.sh [program]      program: without the tests
# CI=true: warnings are errors. SPIKELANE_CXX: another compiler.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

packages=(g++ cmake ninja-build pkg-config git binutils clang-format gnuplot-nox python3
          python3-jsonschema doctest-dev nlohmann-json3-dev libcli11-dev libxxhash-dev
          librandom123-dev zlib1g-dev libmujoco-dev libopenmpi-dev openmpi-bin)
# the emulator through which the CUDA backend is tested where there is no device reads PTX with it
nvcc=$(PATH=$PATH:${CUDA_HOME:-/usr/local/cuda}/bin:/usr/local/cuda/bin command -v nvcc || true)
if [ -n "$nvcc" ]; then packages+=(libzstd-dev); fi

# dpkg-query prints nothing for a package it never heard of, so absent and removed look alike
missing=()
if command -v dpkg-query > /dev/null; then
  for package in "${packages[@]}"; do
    status=$(dpkg-query -W -f '${db:Status-Status}' "$package" 2> /dev/null || true)
    [ "$status" = installed ] || missing+=("$package")
  done
fi

if [ ${#missing[@]} -gt 0 ]; then
  echo "installing: ${missing[*]}"
  as_root=()
  if [ "$(id -u)" -ne 0 ]; then
    if ! command -v sudo > /dev/null; then
      echo "error: these packages are missing, and there is neither root nor sudo to install them;" >&2
      echo "ask for: apt-get install ${missing[*]}" >&2
      exit 1
    fi
    as_root=(sudo)
  fi
  if ! command -v apt-get > /dev/null; then
    echo "error: no apt-get; install by hand: ${missing[*]}" >&2
    exit 1
  fi
  log=$(mktemp)
  trap 'rm -f "$log"' EXIT
  # env, since sudo drops variables; the lists are fetched only if the first try finds no package
  install=("${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -q
           --no-install-recommends "${missing[@]}")
  if ! "${install[@]}" > "$log" 2>&1; then
    if ! { "${as_root[@]}" apt-get update -q && "${install[@]}"; } > "$log" 2>&1; then
      tail -n 20 "$log" >&2
      echo "error: apt-get could not install: ${missing[*]}" >&2
      exit 1
    fi
  fi
fi

options=(-DSPIKELANE_WERROR="$([ "${CI:-}" = true ] && echo ON || echo OFF)")
if [ ! -e build/release/CMakeCache.txt ]; then
  options+=(-G Ninja)
  if [ -n "${SPIKELANE_CXX:-}" ]; then options+=("-DCMAKE_CXX_COMPILER=$SPIKELANE_CXX"); fi
fi
cmake --preset release "${options[@]}"
targets=()
if [ "${1:-}" = program ]; then targets=(--target spikelane_program); fi
cmake --build build/release "${targets[@]}" -j "$(nproc)"
