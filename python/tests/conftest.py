"""What the tests share: networks, spikes with structure, and the counts for tools/test.sh."""

import os
import pathlib
import shutil

import numpy as np
import pytest

import spikelane as sl

ROOT = pathlib.Path(__file__).resolve().parents[2]
EPROP = {"kind": "kernl", "filters": "eprop", "batch": 16, "optimiser": {"kind": "adam", "lr": 0.01}}


def small_net(n_inputs=12, n_classes=3, seed=1):
    """Adaptive neurons, recurrent, with a readout."""
    net = sl.Network(inputs=n_inputs, seed=seed)
    net.add("hidden", "alif", n=20, tau_m_ms=20, adaptation=0.4, tau_a_ms=200, resistance="unit_gain")
    net.add("output", "readout", n=n_classes, tau_ms=20, gain=0.1)
    net.connect("input", "hidden", init={"kind": "normal", "std": 0.5})
    net.connect("hidden", "hidden", init={"kind": "normal", "std": 0.07})
    net.connect("hidden", "output", init={"kind": "normal", "std": 0.2}, bias={"kind": "zeros"})
    return net


def class_spikes(n_samples=60, n_steps=20, n_inputs=12, n_classes=3, seed=0):
    """Spikes whose rate depends on the class: (samples, steps, inputs) uint8, and labels."""
    random = np.random.default_rng(seed)
    labels = np.arange(n_samples) % n_classes
    rates = np.where(np.arange(n_inputs) % n_classes == labels[:, None], 0.6, 0.1)
    return (random.random((n_samples, n_steps, n_inputs)) < rates[:, None]).astype(np.uint8), labels


@pytest.fixture
def program():
    """The command line, where it was built."""
    found = os.environ.get("SPIKELANE_PROGRAM") or shutil.which("spikelane")
    for preset in ("release", "dev"):
        path = ROOT / "build" / preset / "spikelane"
        found = found or (path.exists() and str(path))
    if not found:
        pytest.skip("no program spikelane was built")
    return found


_counts = {"passed": 0, "failed": 0, "skipped": 0}


def pytest_runtest_logreport(report):
    if report.failed:
        _counts["failed"] += 1
    elif report.skipped:
        _counts["skipped"] += 1
    elif report.when == "call":
        _counts["passed"] += 1


def pytest_sessionstart(session):
    _write(f"begin {os.getpid()}")


def pytest_sessionfinish(session):
    _write("end {} {passed} {failed} {skipped}".format(os.getpid(), **_counts))


def _write(line):
    path = os.environ.get("SPIKELANE_TEST_COUNTS")
    if path:
        with open(path, "a") as file:
            file.write(line + "\n")
