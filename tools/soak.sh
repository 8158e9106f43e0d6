#!/usr/bin/env bash
# Trains for a long time and watches: resident memory must stay flat, the time of an update must not
# drift, and Ctrl-C must leave a checkpoint within a second.
#   bash tools/soak.sh [SECONDS]        default: 3600, shared out to the configs
#   CONFIGS="a.json b.json"             default: the demo, and the closed loop where it is there
#   THREADS=1                           threads of each run
# Prints one table; fails where memory has grown by more than 1 % and 1 MiB, or the median time of an
# update by more than 20 %, from the second tenth of the run to the last.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
[ -e build/release/spikelane ] || bash tools/build.sh program > /dev/null

configs=${CONFIGS:-configs/randman_es.json}
if [ -z "${CONFIGS:-}" ] && [ -e configs/cartpole_es.json ]; then
  configs="$configs configs/cartpole_es.json"
fi

# shellcheck disable=SC2086
exec python3 - "${1:-3600}" "${THREADS:-1}" $configs << 'EOF_PYTHON'
import json
import pathlib
import signal
import statistics
import subprocess
import sys
import time

seconds = float(sys.argv[1]) / len(sys.argv[3:])
threads = sys.argv[2]
is_good = True


def resident_mib(pid):
    for line in pathlib.Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) / 1024
    return 0.0


def change(values):
    """From the second tenth to the last, medians."""
    tenth = max(1, len(values) // 10)
    early = statistics.median(values[tenth : 2 * tenth])
    late = statistics.median(values[-tenth:])
    return early, late


def run(config):
    global is_good
    out = pathlib.Path("out/soak") / pathlib.Path(config).stem
    command = ["build/release/spikelane", "train", config, "--threads", threads, "--out", str(out)]
    settings = ["run.n_updates=1000000000", "run.report_every=50", "run.test_every=0",
                "run.n_test_report=64", 'run.checkpoint_every={"seconds":5}']
    for setting in settings:
        command += ["--set", setting]
    program = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    memory, start = [], time.monotonic()
    while time.monotonic() - start < seconds:
        time.sleep(min(1.0, seconds / 50))
        if program.poll() is not None:
            sys.exit(f"{config}: ended by itself with {program.returncode}")
        memory.append(resident_mib(program.pid))
    checkpoint = out / "checkpoint.safetensors"
    before, sent = checkpoint.stat().st_mtime_ns if checkpoint.exists() else 0, time.monotonic()
    program.send_signal(signal.SIGINT)
    while checkpoint.stat().st_mtime_ns == before and program.poll() is None:
        time.sleep(0.005)
    stopped = time.monotonic() - sent
    if program.wait() != 130:
        sys.exit(f"{config}: exit code {program.returncode}")
    reports = json.loads((out / "results.json").read_text())["reports"]
    times = [(b["wall_s"] - a["wall_s"]) / (b["update"] - a["update"])
             for a, b in zip(reports, reports[1:])]
    if len(times) < 20:
        sys.exit(f"{config}: only {len(times)} reports; give it more time")
    mib, ms = change(memory), [1000 * t for t in change(times)]
    is_flat = mib[1] <= max(1.01 * mib[0], mib[0] + 1)
    is_steady = ms[1] <= 1.2 * ms[0]
    is_good = is_good and is_flat and is_steady and stopped < 1.0
    print(f"| {config} | {seconds:.0f} | {reports[-1]['update']} | {mib[0]:.1f} -> {mib[1]:.1f} "
          f"| {ms[0]:.3f} -> {ms[1]:.3f} | {1000 * stopped:.0f} |", flush=True)


print("| config | seconds | updates | resident MiB | ms an update | stop to checkpoint (ms) |")
print("|---|---|---|---|---|---|", flush=True)
for config in sys.argv[3:]:
    run(config)
sys.exit(0 if is_good else "memory or times have grown, or the stop took too long")
EOF_PYTHON
