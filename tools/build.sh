#!/usr/bin/env bash
# Installs what is missing (Debian, apt), builds program and tests into build/release.
#   bash tools/build.sh [program|demo]
#     program   without the tests
#     demo      the program in build/demo, for this machine's instruction set, without optional parts
# CI=true: warnings are errors. SPIKELANE_CXX: another compiler.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

what=${1:-all}
packages=(g++ cmake ninja-build pkg-config gnuplot-nox python3
          nlohmann-json3-dev libcli11-dev libxxhash-dev librandom123-dev zlib1g-dev)
if [ "$what" != demo ]; then
  packages+=(git ccache binutils clang-format python3-jsonschema doctest-dev
             libmujoco-dev libopenmpi-dev openmpi-bin)
  # the emulator through which the CUDA backend is tested where there is no device reads PTX with it
  nvcc=$(PATH=$PATH:${CUDA_HOME:-/usr/local/cuda}/bin:/usr/local/cuda/bin command -v nvcc || true)
  if [ -n "$nvcc" ]; then packages+=(libzstd-dev); fi
fi

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

preset=release
if [ "$what" = demo ]; then preset=demo; fi
options=(-DSPIKELANE_WERROR="$([ "${CI:-}" = true ] && echo ON || echo OFF)")
if [ ! -e "build/$preset/CMakeCache.txt" ]; then
  options+=(-G Ninja)
  if [ -n "${SPIKELANE_CXX:-}" ]; then options+=("-DCMAKE_CXX_COMPILER=$SPIKELANE_CXX"); fi
fi
cmake --preset "$preset" "${options[@]}"
targets=()
if [ "$what" != all ]; then targets=(--target spikelane_program); fi
cmake --build "build/$preset" "${targets[@]}" -j "$(nproc)"
