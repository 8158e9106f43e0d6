#!/usr/bin/env python3
"""Steps of Gymnasium's MuJoCo environments under random actions, for tests/tasks/gymnasium_test.cpp.

  python3 gymnasium_episodes.py version             versions of Gymnasium and MuJoCo, or an error
  python3 gymnasium_episodes.py record OUT STEPS    each environment with Gymnasium's own model
  python3 gymnasium_episodes.py golden OUT STEPS    some with the models in tests/data/gymnasium: this
                                                    is how tests/data/gymnasium/*.steps came about

OUT/NAME.steps is a line of text, "NAME MODEL nq nv nu n_observations n_steps MUJOCO", and float64
numbers, for each step: 1 where an episode starts here, else 0; its start qpos (nq), qvel (nv) and
observation, zeros elsewhere; the action in -1 .. 1 (nu); the observation, reward and 1 where it
terminated. Actions are handed to Gymnasium as float64 controls, so that costs are counted in that type.
"""

import pathlib
import sys

import numpy as np

NAMES = [
    "Hopper", "Walker2d", "HalfCheetah", "Ant", "Swimmer", "InvertedPendulum",
    "InvertedDoublePendulum", "Humanoid", "HumanoidStandup", "Reacher", "Pusher",
]
GOLDEN = [("Hopper", "leg"), ("HalfCheetah", "leg"), ("Ant", "crawler"), ("HumanoidStandup", "crawler")]


def record(env, name, model, out, n_steps, seed, is_normalised=False):
    import mujoco

    world = env.unwrapped
    m, d = world.model, world.data
    n_observations = env.observation_space.shape[0]
    generator = np.random.default_rng(seed)
    low, high = m.actuator_ctrlrange.T
    middle, half = 0.5 * (low + high), 0.5 * (high - low)
    rows = []
    is_start = True
    for step in range(n_steps):
        nothing = np.zeros(m.nq + m.nv + n_observations)
        if is_start:
            observation, _ = env.reset(seed=int(seed + step))
            if is_normalised:
                # MuJoCo before 3 normalises the quaternions in qpos itself, later ones leave them
                mujoco.mj_normalizeQuat(m, d.qpos)
                world.set_state(d.qpos.copy(), d.qvel.copy())
                observation = world._get_obs()
            start = np.concatenate([d.qpos, d.qvel, observation])
        action = generator.uniform(-1, 1, m.nu).astype(np.float32).astype(np.float64)
        observation, reward, terminated, truncated, _ = env.step(middle + half * action)
        rows.append(np.concatenate([[float(is_start)], start if is_start else nothing, action,
                                    observation, [float(reward), float(terminated)]]))
        is_start = terminated or truncated
    header = f"{name}-v5 {model} {m.nq} {m.nv} {m.nu} {n_observations} {n_steps} {mujoco.__version__}\n"
    (out / f"{name}.steps").write_bytes(header.encode() + np.array(rows, "<f8").tobytes())


def main():
    mode = sys.argv[1]
    import gymnasium
    import gymnasium.envs.mujoco
    import mujoco

    if mode == "version":
        print(gymnasium.__version__, mujoco.__version__)
        return
    out, n_steps = pathlib.Path(sys.argv[2]), int(sys.argv[3])
    if mode == "golden":
        folder = pathlib.Path(__file__).resolve().parents[1] / "data" / "gymnasium"
        for name, model in GOLDEN:
            env = gymnasium.make(f"{name}-v5", xml_file=str(folder / f"{model}.xml"))
            record(env, name, f"{model}.xml", out, n_steps, 7, is_normalised=True)
    else:
        for i, name in enumerate(NAMES):
            env = gymnasium.make(f"{name}-v5")
            record(env, name, env.unwrapped.fullpath, out, n_steps, 100 + i)


if __name__ == "__main__":
    main()
