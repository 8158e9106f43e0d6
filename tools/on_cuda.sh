#!/usr/bin/env bash
# on_cuda.sh PROGRAM [ARG ...]: runs a program that uses CUDA on this machine's device, or, where
# there is none, through the emulator in $SPIKELANE_CUDA_EMULATOR or ../shared/cuda-emulator: its
# `run` starts the unchanged program with a CUDA runtime that executes PTX on the CPU.
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
emulator=${SPIKELANE_CUDA_EMULATOR:-$root/../shared/cuda-emulator}
if [ ! -e /dev/nvidiactl ] && [ -x "$emulator/run" ]; then
  # it translates six times faster so, and small nets run for a moment only
  EMU_CXXFLAGS=${EMU_CXXFLAGS:--Og} exec "$emulator/run" "$@"
fi
exec "$@"
