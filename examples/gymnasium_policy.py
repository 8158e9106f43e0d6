#!/usr/bin/env python3
"""Runs a policy in a Gymnasium environment through the C API, by ctypes alone.

  python3 gymnasium_policy.py POLICY ENVIRONMENT [EPISODES [SEED]]
  python3 gymnasium_policy.py policy.spikelane Hopper-v5 100

POLICY is written by `spikelane export DIR --policy POLICY`. The library is libspikelane.so, found by the
system's loader or named in $SPIKELANE_LIBRARY. It prints return and length of each episode and their means.
"""

import ctypes
import os
import sys

import gymnasium
import numpy as np


class Handle(ctypes.Structure):
    _fields_ = [("value", ctypes.c_uint64)]


class NetworkInfo(ctypes.Structure):
    _fields_ = [
        ("struct_size", ctypes.c_size_t), ("n_observations", ctypes.c_int32), ("n_actions", ctypes.c_int32),
        ("n_populations", ctypes.c_int32), ("reserved", ctypes.c_int32), ("n_parameters", ctypes.c_int64),
        ("dt_ms", ctypes.c_double),
    ]


class Policy:
    """One row of a policy: observations (n_observations) float32 in, actions (n_actions) in -1 .. 1 out."""

    def __init__(self, path):
        self.library = ctypes.CDLL(os.environ.get("SPIKELANE_LIBRARY", "libspikelane.so.1"))
        self.error = ctypes.create_string_buffer(512)
        self.network, self.session = Handle(), Handle()
        self._call("spikelane_load", os.fsencode(path), None, ctypes.byref(self.network))
        info = NetworkInfo(struct_size=ctypes.sizeof(NetworkInfo))
        self._call("spikelane_describe", self.network, ctypes.byref(info))
        self._call("spikelane_open", self.network, None, ctypes.byref(self.session))
        self.n_observations, self.n_actions = info.n_observations, info.n_actions

    def _call(self, name, *arguments):
        status = getattr(self.library, name)(*arguments, self.error, ctypes.c_size_t(len(self.error)))
        if status != 0:
            raise RuntimeError(f"{name}: {self.error.value.decode(errors='replace')}")

    def reset(self):
        self._call("spikelane_reset", self.session)

    def step(self, observation):
        seen = np.ascontiguousarray(observation, dtype=np.float32)
        actions = np.zeros(self.n_actions, np.float32)
        self._call("spikelane_step", self.session, seen.ctypes.data_as(ctypes.c_void_p), ctypes.c_size_t(seen.size),
                   actions.ctypes.data_as(ctypes.c_void_p), ctypes.c_size_t(actions.size))
        return actions


def control_range(env):
    """Of a MuJoCo environment in float64; action_space has it rounded to float32."""
    model = getattr(env.unwrapped, "model", None)
    if model is not None and hasattr(model, "actuator_ctrlrange"):
        return model.actuator_ctrlrange.T
    return env.action_space.low.astype(np.float64), env.action_space.high.astype(np.float64)


def main():
    if len(sys.argv) < 3:
        sys.exit(__doc__)
    policy = Policy(sys.argv[1])
    env = gymnasium.make(sys.argv[2])
    n_episodes = int(sys.argv[3]) if len(sys.argv) > 3 else 10
    seed = int(sys.argv[4]) if len(sys.argv) > 4 else 0
    is_discrete = isinstance(env.action_space, gymnasium.spaces.Discrete)
    n_actions = 1 if is_discrete else env.action_space.shape[0]
    if (policy.n_observations, policy.n_actions) != (env.observation_space.shape[0], n_actions):
        sys.exit(f"{sys.argv[2]} has {env.observation_space.shape[0]} observations and {n_actions} actions, "
                 f"the policy {policy.n_observations} and {policy.n_actions}")
    if not is_discrete:
        low, high = control_range(env)
    returns, lengths = [], []
    for episode in range(n_episodes):
        observation, _ = env.reset(seed=seed + episode)
        policy.reset()
        total, n_steps, is_over = 0.0, 0, False
        while not is_over:
            action = policy.step(observation)
            if is_discrete:
                control = int(action[0])
            else:
                control = 0.5 * (low + high) + 0.5 * (high - low) * action.astype(np.float64)
            observation, reward, terminated, truncated, _ = env.step(control)
            total, n_steps, is_over = total + float(reward), n_steps + 1, terminated or truncated
        print(f"episode {episode}: return {total:.6f}, {n_steps} steps")
        returns.append(total)
        lengths.append(n_steps)
    print(f"mean of {n_episodes} episodes: return {np.mean(returns):.6f}, {np.mean(lengths):.1f} steps")


if __name__ == "__main__":
    main()
