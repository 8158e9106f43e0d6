"""Networks: described in Python, made or trained by the library, run on arrays."""

import copy
import ctypes
import json
import pathlib
import weakref

import numpy as np

from . import _library as c
from ._simulation import Simulation


class Events:
    """Samples as lists of input spikes, in place of a dense array.

    sample_offsets: (B + 1) integers; sample b has the events from sample_offsets[b] on to
        sample_offsets[b + 1].
    step, unit: (E) integers, the step (0 .. n_steps-1) and the input (0 .. n_inputs-1) of each event,
        in any order within a sample. An event that comes twice counts once.
    n_steps, n_inputs: the sizes T and I.
    """

    def __init__(self, sample_offsets, step, unit, *, n_steps, n_inputs):
        self.sample_offsets, self.step, self.unit = sample_offsets, step, unit
        self.n_steps, self.n_inputs = int(n_steps), int(n_inputs)

    def __len__(self):
        return len(self.sample_offsets) - 1


def input_tensors(inputs, prefix=""):
    """A dict of the tensors that stand for inputs, and the sizes (n_steps, n_inputs) of events."""
    if isinstance(inputs, Events):
        names = {"offsets": inputs.sample_offsets, "step": inputs.step, "unit": inputs.unit}
        return (
            {f"{prefix}inputs.{name}": value for name, value in names.items()},
            (inputs.n_steps, inputs.n_inputs),
        )
    return {prefix + "inputs": inputs}, (0, 0)


def read_config(config):
    """A config, a dict or the path of a JSON file, as a dict of its own; and the path or None."""
    if isinstance(config, dict):
        return copy.deepcopy(config), None
    return json.loads(pathlib.Path(config).read_text()), str(config)


class Network:
    """A network under construction: populations and projections with the keys of docs/config.md.

    inputs: number of input units. dt_ms: what one step stands for. seed: of the start values.
    """

    def __init__(self, inputs, *, dt_ms=1.0, seed=1):
        self.n_inputs, self.dt_ms, self.seed = int(inputs), dt_ms, seed
        self.populations, self.projections = [], []

    def add(self, name, model, n, **keys):
        """Adds a population of n neurons of a model ("leaky", "alif", "readout"). Populations are
        stepped in this order, and the last one is the output. Returns the network."""
        self.populations.append({"name": name, "model": model, "n": n, **keys})
        return self

    def connect(self, source, target, **keys):
        """Adds dense weights from a population, or "input", to a population. Returns the network."""
        self.projections.append({"from": source, "to": target, **keys})
        return self

    def config(self, **parts):
        """The config as a dict; ``parts`` are its other objects (task, loss, rule, run)."""
        network = {"populations": self.populations, "projections": self.projections}
        parts = {key: value for key, value in parts.items() if value is not None}
        parts.setdefault("task", {"kind": "array", "file": "memory"})
        parts.setdefault("rule", {"kind": "es"})
        parts.setdefault("seed", self.seed)
        return copy.deepcopy({"dt_ms": self.dt_ms, "network": network, **parts})

    def compile(self, weights=None, **parts):
        """The network with the start values of its seed and the given weights (a dict by name), as a
        LoadedNetwork."""
        return create(self.config(**parts), self.n_inputs, weights)


def create(config, n_inputs=0, weights=None):
    """A LoadedNetwork of a config, untrained. weights: arrays by name ("input.hidden.weight", shape
    (presynaptic, postsynaptic)); those that are not given have the start values of the seed."""
    config, _ = read_config(config)
    tensors = c.tensors_of(weights or {})
    handle = c.Handle()
    c.call("create", json.dumps(config).encode(), n_inputs, tensors, len(weights or {}), None,
           ctypes.byref(handle))  # fmt: skip
    return LoadedNetwork(handle)


class LoadedNetwork:
    """A network with its weights, which do not change. It may be used from several threads."""

    def __init__(self, handle):
        self._handle = handle
        self._close = weakref.finalize(self, _unload, handle.id)

    def close(self):
        """Forgets the network now instead of with its last reference."""
        self._close()

    @property
    def config(self):
        """The config as a dict, with every default filled in."""
        texts = []
        keep = c.TextFunction(lambda _, text: texts.append(text))
        c.call("read_config", self._handle, keep, None)
        return json.loads(texts[0])

    def _info(self):
        info = c.sized(c.NetworkInfo)
        c.call("describe", self._handle, ctypes.byref(info))
        return info

    @property
    def n_observations(self):
        """Numbers that a step takes for each row: inputs, or observations of a control task."""
        return self._info().n_observations

    @property
    def n_actions(self):
        """Numbers that a step gives for each row: outputs, or actions of a control task."""
        return self._info().n_actions

    @property
    def n_parameters(self):
        """Weights and biases in all."""
        return self._info().n_parameters

    @property
    def weights(self):
        """All tensors by name, float32: weights (presynaptic, postsynaptic), biases (neurons), and
        what a rule learned beside them. They are copies."""
        tensors, info, i = {}, c.sized(c.ParameterInfo), 0
        while True:
            try:
                c.call("describe_parameter", self._handle, i, ctypes.byref(info))
            except c.ConfigError:
                return tensors
            values = np.empty(tuple(info.shape[: info.n_dims]), np.float32)
            c.call("read_parameter", self._handle, i, values.ctypes.data, values.size)
            tensors[info.name.decode()] = values
            i += 1

    def _weights_of_network(self):
        names = {p["from"] + "." + p["to"] + ".weight" for p in self.config["network"]["projections"]}
        return {k: v for k, v in self.weights.items() if k in names or k.endswith(".bias")}

    def run(self, inputs, record=(), *, labels=None, threads=0, details=None):
        """Runs samples from the reset on and gives the records.

        inputs: (samples, steps, units) of any dtype, or Events. record: names such as "hidden.s"
        (spikes, uint8) and "output.v" (membrane potentials after the step, float32; a readout's are
        its values). Returns a dict of arrays (samples, steps, neurons). details: a dict that gets
        n_samples, state_hash, firing_rate and, with labels, loss and accuracy.
        """
        arrays, (n_steps, n_inputs) = input_tensors(inputs)
        if labels is not None:
            arrays["labels"] = labels
        tensors = c.tensors_of(arrays)
        if isinstance(inputs, Events):
            sizes = (len(inputs), n_steps)
        else:
            sizes = tuple(np.shape(inputs))[:2]
        n_neurons = {p["name"]: p["n"] for p in self.config["network"]["populations"]}
        results, records = {}, (c.Record * max(1, len(record)))()
        for entry, name in zip(records, record):
            population, _, field = name.rpartition(".")
            shape = (*sizes, n_neurons.get(population, 1))
            results[name] = np.empty(shape, np.uint8 if field == "s" else np.float32)
            entry.struct_size, entry.name = ctypes.sizeof(c.Record), name.encode()
            entry.values, entry.n_bytes = results[name].ctypes.data, results[name].nbytes
        options = c.sized(c.TrainOptions)
        options.abi_version, options.n_threads = c.ABI_VERSION, threads
        options.n_steps, options.n_inputs = n_steps, n_inputs
        texts = []
        options.on_result = c.TextFunction(lambda _, text: texts.append(text))
        c.call("run", self._handle, tensors, len(arrays), ctypes.byref(options), records,
               len(record))  # fmt: skip
        if details is not None:
            details.update(json.loads(texts[0]))
        return results

    def simulation(self, rows=1, threads=1):
        """A Simulation of so many rows, each with its own state, reset."""
        return Simulation(self, rows, threads)

    def save(self, path):
        """Writes the network as one policy file, which sl.load and the C API read."""
        c.call("save", self._handle, str(path).encode())

    def __getstate__(self):
        return {"config": self.config, "n_inputs": self._n_inputs(), "weights": self._weights_of_network()}

    def _n_inputs(self):
        for name, values in self.weights.items():
            if name.startswith("input."):
                return values.shape[0]
        return 0

    def __setstate__(self, state):
        made = create(state["config"], state["n_inputs"], state["weights"])
        made._close.detach()
        self.__init__(made._handle)


def _unload(identity):
    try:
        c.call("unload", c.Handle(identity))
    except c.Error:
        pass


def load(path):
    """Loads a policy file, or the folder of a training, as a LoadedNetwork."""
    handle = c.Handle()
    name = "load_training" if pathlib.Path(path).is_dir() else "load"
    c.call(name, str(path).encode(), None, ctypes.byref(handle))
    return LoadedNetwork(handle)
