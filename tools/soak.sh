#!/usr/bin/env bash
# Trains for a long time and watches: resident memory must stay flat, the time of an update must not
# drift, and Ctrl-C must leave a checkpoint within a second, or two updates where those are slow.
#   bash tools/soak.sh [SECONDS]        default: 3600, shared out to the configs
#   CONFIGS="a.json b.json"             default: the demo, and the closed loop where it is there
#   THREADS=1                           threads of each run
#   PROGRAM=build/release/spikelane     another build
# Prints one table; fails where, from the second tenth of the run to the last, memory has grown by
# more than 1 % and 1 MiB, or the time of an update by more than 20 %. The time is the processor's, so
# that other programs on the machine count only as far as they share its caches and cores; below the
# table it stands for each tenth of the run.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
export PROGRAM=${PROGRAM:-build/release/spikelane}
[ -e "$PROGRAM" ] || bash tools/build.sh program > /dev/null

configs=${CONFIGS:-configs/randman_es.json}
if [ -z "${CONFIGS:-}" ] && [ -e configs/cartpole_es.json ]; then
  configs="$configs configs/cartpole_es.json"
fi

# shellcheck disable=SC2086
exec python3 - "${1:-3600}" "${THREADS:-1}" $configs << 'EOF_PYTHON'
import json
import os
import pathlib
import signal
import statistics
import subprocess
import sys
import threading
import time

seconds = float(sys.argv[1]) / len(sys.argv[3:])
threads = sys.argv[2]
is_good, tenths = True, []


def resident_mib(pid):
    for line in pathlib.Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) / 1024
    return 0.0


def processor_s(pid):
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def medians(values):
    """Of the second tenth and of the last."""
    tenth = max(1, len(values) // 10)
    return statistics.median(values[tenth : 2 * tenth]), statistics.median(values[-tenth:])


def ms_per_update(marks):
    """In each tenth; marks are (update, processor's seconds)."""
    cuts = [marks[(len(marks) - 1) * i // 10] for i in range(11)]
    return [1000 * (b[1] - a[1]) / (b[0] - a[0]) for a, b in zip(cuts, cuts[1:])]


def updates_in(config, n_seconds):
    """How many updates it makes in so long."""
    command = [os.environ["PROGRAM"], "train", config, "--threads", threads,
               "--set", "run={\"n_updates\":1000000000,\"report_every\":1000000000,\"n_test_report\":1}"]
    program = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    time.sleep(n_seconds)
    program.send_signal(signal.SIGINT)
    last = json.loads(program.communicate()[0].splitlines()[-1])
    return last["final"]["update"]


def run(config):
    global is_good
    # some 200 reports, however long: they are kept, and all are written at each of them
    probe_s = min(5.0, seconds / 10)
    every = max(1, int(updates_in(config, probe_s) * seconds / probe_s / 200))
    out = pathlib.Path("out/soak") / pathlib.Path(config).stem
    command = [os.environ["PROGRAM"], "train", config, "--threads", threads, "--out", str(out)]
    settings = ["run.n_updates=1000000000", f"run.report_every={every}", "run.test_every=0",
                "run.n_test_report=16", 'run.checkpoint_every={"seconds":5}',
                "rule.optimiser.lr=1e-12"]  # what does not learn has the same work in each update
    for setting in settings:
        command += ["--set", setting]
    program = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    marks, memory, start = [], [], time.monotonic()

    def watch():
        for line in program.stdout:
            update = json.loads(line).get("update")
            if update is not None:
                marks.append((update, processor_s(program.pid)))

    watcher = threading.Thread(target=watch, daemon=True)
    watcher.start()
    while time.monotonic() - start < seconds:
        time.sleep(min(1.0, seconds / 50))
        if program.poll() is not None:
            sys.exit(f"{config}: ended by itself with {program.returncode}")
        memory.append(resident_mib(program.pid))
    checkpoint = out / "checkpoint.safetensors"
    before = checkpoint.stat().st_mtime_ns if checkpoint.exists() else 0
    sent = time.monotonic()
    program.send_signal(signal.SIGINT)
    while program.poll() is None and (
        not checkpoint.exists() or checkpoint.stat().st_mtime_ns == before
    ):
        time.sleep(0.005)
    stopped = time.monotonic() - sent
    watcher.join()
    if program.wait() != 130:
        sys.exit(f"{config}: exit code {program.returncode}")
    if len(marks) < 30:
        sys.exit(f"{config}: only {len(marks)} reports; give it more time")
    mib, ms = medians(memory), ms_per_update(marks)
    is_flat = mib[1] <= max(1.01 * mib[0], mib[0] + 1)
    # the run stops between two updates
    allowed_s = max(1.0, 2 * seconds / marks[-1][0])
    is_good = is_good and is_flat and ms[-1] <= 1.2 * ms[1] and stopped < allowed_s
    tenths.append(f"{config}: " + ", ".join(f"{of_tenth:.3f}" for of_tenth in ms))
    print(f"| {config} | {seconds:.0f} | {marks[-1][0]} | {mib[0]:.1f} -> {mib[1]:.1f} "
          f"| {ms[1]:.3f} -> {ms[-1]:.3f} | {1000 * stopped:.0f} |", flush=True)


print("| config | seconds | updates | resident MiB | processor ms an update | stop to checkpoint (ms) |")
print("|---|---|---|---|---|---|", flush=True)
for config in sys.argv[3:]:
    run(config)
print("\nprocessor ms an update, by tenths of the run", *tenths, sep="\n")
sys.exit(0 if is_good else "memory or times have grown, or the stop took too long")
EOF_PYTHON
