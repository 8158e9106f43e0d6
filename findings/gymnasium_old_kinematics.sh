#!/usr/bin/env bash
# Gymnasium 1.4.0 with MuJoCo 3.8.1: two things that a program must know to get its numbers.
# 1. After env.step, data.xpos, site_xpos, cinert and cvel are one physics step older than qpos, because
#    mj_step computes them before it integrates. The environments use them as they are: the x_velocity of
#    Ant-v5, the end of InvertedDoublePendulum-v5, the observation of Humanoid-v5.
# 2. The control cost is counted in the type of the action: the same control given as float32 and as
#    float64 brings different rewards, from equal states to equal states.
# Exits 1 if that changes.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q --disable-pip-version-check gymnasium==1.4.0 mujoco==3.8.1 numpy imageio packaging
"$work/venv/bin/python" - << 'EOF_PYTHON'
import gymnasium
import mujoco
import numpy as np

env = gymnasium.make("Ant-v5")
env.reset(seed=1)
for _ in range(10):
    env.step(np.full(8, 0.3))
model, data = env.unwrapped.model, env.unwrapped.data
seen = data.body("torso").xpos[0]
mujoco.mj_kinematics(model, data)
print("Ant-v5: x of the torso in xpos", seen, "in qpos", data.qpos[0], "computed again", data.body("torso").xpos[0])
assert seen != data.qpos[0] and data.body("torso").xpos[0] == data.qpos[0]

rewards = []
for kind in (np.float32, np.float64):
    env = gymnasium.make("HalfCheetah-v5")
    env.reset(seed=1)
    action = np.full(6, 0.3, np.float32).astype(kind)
    observation, reward, *_ = env.step(action)
    rewards.append((observation, float(reward)))
print("HalfCheetah-v5: reward of a float32 action", rewards[0][1], "of the same as float64", rewards[1][1])
assert (rewards[0][0] == rewards[1][0]).all() and rewards[0][1] != rewards[1][1]
EOF_PYTHON
