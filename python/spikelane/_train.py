"""Training on arrays, or on the task of a config."""

import ctypes
import json
import math
import pathlib
import queue
import threading

import numpy as np

from . import _library as c
from ._network import LoadedNetwork, Network, create, input_tensors, load, read_config


class Interrupted(KeyboardInterrupt):
    """Ctrl-C ended a training between two updates. ``run`` is what it had reached."""

    def __init__(self, run):
        super().__init__("the training was interrupted; its results are in .run")
        self.run = run


class Run:
    """What a training has found out.

    results: the document of results.json. reports: its list of reports, dicts. state_hash: 16 hex
    digits, the same as from the command line. net: the trained network. weights: its tensors.
    """

    def __init__(self, net, results):
        self.net, self.results = net, results

    @property
    def reports(self):
        return self.results["reports"]

    @property
    def final(self):
        return self.results.get("final", {})

    @property
    def state_hash(self):
        return self.results["state_hash"]

    @property
    def weights(self):
        return self.net.weights

    @property
    def config(self):
        return self.results["config"]

    def save(self, folder):
        """Writes results.json and weights.safetensors into the folder, as the command line does;
        sl.load, `spikelane eval` and `spikelane plot` read them."""
        folder = pathlib.Path(folder)
        folder.mkdir(parents=True, exist_ok=True)
        c.call("save_weights", self.net._handle, str(folder / "weights.safetensors").encode())
        (folder / "results.json").write_text(json.dumps(self.results, indent=2) + "\n")

    def __repr__(self):
        scores = {k: v for k, v in self.final.items() if k in ("test_accuracy", "test_loss", "mean_return")}
        return f"<spikelane.Run {self.state_hash} {scores}>"


def _merge(config, changes):
    for key, value in changes.items():
        if isinstance(value, dict) and isinstance(config.get(key), dict):
            config[key] = {**config[key], **value}
        elif value is not None:
            config[key] = value


def _start(start_from, config, n_inputs):
    """The network that a training begins with, or None."""
    if start_from is None:
        return None
    if isinstance(start_from, Run):
        start_from = start_from.net
    if isinstance(start_from, LoadedNetwork):
        return start_from
    if isinstance(start_from, dict):
        return create(config, n_inputs, start_from)
    return load(start_from)



def train(net, x=None, y=None, *, test=None, rule=None, loss=None, run=None, epochs=None, seed=None,
          n_test=None, on_report=None, start_from=None, threads=0, isa=None, checkpoint=None,
          resume=False):  # fmt: skip
    """Trains a network and gives a Run.

    net: a Network, or a whole config as a dict or the path of a file.
    x: inputs (samples, steps, units) of any dtype and strides, or Events; y: labels (samples), of
        any integer dtype. Without x the config's own task is trained.
    test: (x, y) of held-out samples; or n_test, the number of last samples that are held out.
    rule, loss, run: objects of the config. epochs: sets run.n_updates from the batch.
    on_report: called with each report, a dict, in the calling thread.
    start_from: weights to begin with: arrays by name, a Run, a LoadedNetwork, or a file or folder.
    threads: 0 means all cores. checkpoint: a folder for checkpoints; with resume the training goes
        on from the one there.

    Raises ConfigError (a ValueError) with everything that is wrong, NotFinite where a state
    overflows, and Interrupted after Ctrl-C.
    """
    if isinstance(net, Network):
        config, path = net.config(rule=rule, loss=loss, run=run, seed=seed), None
    else:
        config, path = read_config(net)
        _merge(config, {"rule": rule, "loss": loss, "run": run, "seed": seed})
    arrays, sizes = {}, (0, 0)
    if x is not None:
        arrays, sizes = input_tensors(x)
        if y is not None:
            arrays["labels"] = y
        if test is not None:
            more, _ = input_tensors(test[0], "test.")
            arrays.update(more)
            if len(test) > 1 and test[1] is not None:
                arrays["test.labels"] = test[1]
        config["task"] = {"kind": "array", "file": "memory", "n_test": n_test or 0}
        if not isinstance(net, Network) and isinstance(read_config(net)[0].get("task"), dict):
            given = read_config(net)[0]["task"]
            if given.get("kind") == "array" and n_test is None and test is None:
                config["task"]["n_test"] = given.get("n_test", 0)
    if epochs is not None:
        n_samples = (len(x) if x is not None else 0) - (n_test or 0)
        if n_samples < 1:
            raise c.ConfigError("epochs: found no samples; allowed: with x, or run.n_updates instead")
        batch = config["rule"].get("batch", "all" if config["rule"].get("kind") == "es" else 32)
        n_batches = 1 if batch == "all" else math.ceil(n_samples / batch)
        config.setdefault("run", {})
        config["run"]["n_updates"] = epochs * n_batches
        config["run"].setdefault("report_every", n_batches)
    n_inputs = sizes[1] or (np.shape(x)[2] if x is not None and np.ndim(x) == 3 else 0)
    start = _start(start_from, config, n_inputs)
    return _Training(config, arrays, sizes, on_report, start, threads, isa, path, checkpoint,
                     resume).run()  # fmt: skip


class _Training:
    """One call of spikelane_train, in a thread of its own so that Ctrl-C reaches Python."""

    def __init__(self, config, arrays, sizes, on_report, start, threads, isa, path, checkpoint, resume):
        self.config_text = json.dumps(config).encode()
        self.tensors, self.n_tensors = c.tensors_of(arrays), len(arrays)
        self.on_report, self.start = on_report, start
        self.stop = ctypes.c_int32(0)
        self.told = queue.SimpleQueue()
        self.result_text = None
        self.failure = None
        self.handle = c.Handle()
        options = self.options = c.sized(c.TrainOptions)
        options.abi_version, options.n_threads = c.ABI_VERSION, threads
        options.n_steps, options.n_inputs = sizes
        options.isa = isa.encode() if isa else None
        options.stop = ctypes.pointer(self.stop)
        options.on_report = c.TextFunction(lambda _, text: self.told.put(text))
        options.on_result = c.TextFunction(self._keep_result)
        options.config_path = path.encode() if path else None
        if checkpoint is not None:
            pathlib.Path(checkpoint).mkdir(parents=True, exist_ok=True)
            options.checkpoint_folder = str(checkpoint).encode()
        options.is_resumed = int(resume)
        if start is not None:
            options.start = start._handle

    def _keep_result(self, _, text):
        self.result_text = text

    def _work(self):
        try:
            c.call("train", self.config_text, self.tensors, self.n_tensors,
                   ctypes.byref(self.options), ctypes.byref(self.handle))  # fmt: skip
        except BaseException as failure:
            self.failure = failure
        self.told.put(None)

    def run(self):
        worker = threading.Thread(target=self._work, name="spikelane.train")
        worker.start()
        interrupt = None
        while True:
            try:
                text = self.told.get()
                if text is None:
                    break
                if self.on_report is not None and interrupt is None:
                    self.on_report(json.loads(text))
            except BaseException as raised:
                # Ctrl-C, or what on_report threw: the library ends before its next update
                interrupt = interrupt or raised
                self.stop.value = 1
        worker.join()
        if self.failure is not None:
            raise self.failure
        result = Run(LoadedNetwork(self.handle), json.loads(self.result_text))
        if isinstance(interrupt, KeyboardInterrupt):
            raise Interrupted(result) from None
        if interrupt is not None:
            raise interrupt
        return result
