"""Rows of a network that are stepped one call at a time, and the search over members."""

import ctypes
import weakref

import numpy as np

from . import _library as c


class Simulation:
    """Rows of a network, each with a state of its own. One thread at a time may use it."""

    _opener = "open"

    def __init__(self, network, rows=1, threads=1):
        options = c.sized(c.SessionOptions)
        options.n_rows, options.n_threads = rows, threads
        self._handle = c.Handle()
        c.call(self._opener, network._handle, ctypes.byref(options), ctypes.byref(self._handle))
        self._close = weakref.finalize(self, _close, self._handle.id)
        info, sizes = self._info(), network._info()
        self.n_rows, self.n_members = info.n_rows, info.n_members
        self._network = network
        # step touches nothing but these
        self._n_in = self.n_rows * sizes.n_observations
        self._n_out = self.n_rows * sizes.n_actions
        self._in = np.zeros((self.n_rows, sizes.n_observations), np.float32)
        self._shape_out = (self.n_rows, sizes.n_actions)
        self._is_single = self.n_rows == 1
        self._out = np.zeros(self._shape_out, np.float32)
        self._text = c.ErrorText()
        self._step = c.library.spikelane_step
        self._arguments = (
            self._handle,
            ctypes.c_void_p(self._in.ctypes.data),
            ctypes.c_size_t(self._n_in),
            ctypes.c_void_p(self._out.ctypes.data),
            ctypes.c_size_t(self._n_out),
            ctypes.c_void_p(self._text.address),
            ctypes.c_size_t(len(self._text.buffer)),
        )

    def step(self, observation):
        """One step of all rows. observation: (rows, inputs), or (inputs) for one row, finite
        numbers. Returns (rows, outputs), or (outputs) where one row was given without its axis; a
        new array. Values are float32. A wrong shape is a ValueError."""
        given = np.asarray(observation)
        if given.shape != self._in.shape and not (
            self._is_single and given.shape == self._in.shape[1:]
        ):
            raise c.ConfigError(
                f"observation: found shape {given.shape} of {given.dtype}; allowed: shape "
                f"{self._in.shape}"
            )
        self._in[...] = given
        status = self._step(*self._arguments)
        if status:
            self._text.throw(status)
        return self._out[0].copy() if given.ndim == 1 else self._out.copy()

    def reset(self, rows=None):
        """All rows, or those of the list, as before their first step."""
        if rows is None:
            c.call("reset", self._handle)
            return
        numbers = np.ascontiguousarray(rows, np.int32)
        c.call("reset_rows", self._handle, numbers.ctypes.data, numbers.size)

    def _info(self):
        info = c.sized(c.SessionInfo)
        c.call("describe_session", self._handle, ctypes.byref(info))
        return info

    @property
    def n_steps(self):
        """Steps since the reset."""
        return self._info().n_steps

    def save_state(self):
        """Everything that the next step depends on, as bytes."""
        buffer = ctypes.create_string_buffer(self._info().n_state_bytes)
        c.call("save_state", self._handle, buffer, len(buffer))
        return buffer.raw

    def restore_state(self, state):
        """Puts a saved state back, to the bit."""
        c.call("restore_state", self._handle, bytes(state), len(state))

    def close(self):
        """Ends the simulation now instead of with its last reference."""
        self._close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


def _close(identity):
    try:
        c.call("close", c.Handle(identity))
    except c.Error:
        pass


class Search(Simulation):
    """A search by an evolution strategy with a fitness of the caller's.

    net: a Network. n_members: copies that act side by side. sigma: standard deviation of the noise.
    rows: rows of each member. rule: other keys of rule in docs/config.md. The rows of ``step`` are
    (member, row): member 0's rows first. The loop: step all rows through an episode, then ``tell``.
    """

    _opener = "open_search"

    def __init__(self, net, n_members=256, *, sigma=0.05, seed=1, rows=1, threads=1, rule=None):
        keys = {"kind": "es", "n_members": n_members, "sigma": sigma, **(rule or {})}
        config = net.config(rule=keys, seed=seed)
        from ._network import create

        super().__init__(create(config, net.n_inputs), rows, threads)

    def tell(self, losses):
        """Losses of the members, (n_members), smaller is better: one update of the mean. The rows
        then are the next members, reset."""
        values = np.ascontiguousarray(losses, np.float64)
        if values.shape != (self.n_members,):
            raise c.ConfigError(
                f"losses: found shape {values.shape} of {values.dtype}; allowed: shape "
                f"({self.n_members},)"
            )
        c.call("tell", self._handle, values.ctypes.data, values.size)

    def best(self):
        """The mean found so far as a LoadedNetwork."""
        from ._network import LoadedNetwork

        handle = c.Handle()
        c.call("freeze", self._handle, ctypes.byref(handle))
        return LoadedNetwork(handle)
