"""Spikelane: spiking networks trained by evolution strategies, KeRNL and e-prop.

    import spikelane as sl

    net = sl.Network(inputs=64)
    net.add("hidden", "alif", n=128, tau_m_ms=20)
    net.add("output", "readout", n=10, tau_ms=20)
    net.connect("input", "hidden")
    net.connect("hidden", "output")
    run = sl.train(net, x, y, n_test=397, rule={"kind": "kernl"}, epochs=10, on_report=print)

Names and keys are those of docs/config.md; docs/python.md is the guide.
"""

from ._library import Busy, ConfigError, Error, NotFinite, library as _c
from ._network import Events, LoadedNetwork, Network, create, load
from ._simulation import Search, Simulation
from ._train import Interrupted, Run, train

__version__ = _c.spikelane_version().decode()
__all__ = [
    "Busy", "ConfigError", "Error", "Events", "Interrupted", "LoadedNetwork", "Network", "NotFinite",
    "Run", "Search", "Simulation", "create", "load", "train",
]  # fmt: skip
