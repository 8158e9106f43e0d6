#!/usr/bin/env bash
# MuJoCo 3.8.1 and 4.0.0 (PyPI): with <flag sleep="enable"/> the state that mj_getState returns for
# mjSTATE_INTEGRATION does not say which bodies sleep. Put into another mjData by mj_setState it goes
# another way than the mjData it was taken from. Without sleep both go the same way, bit for bit.
#
# Seen: after 2,000 steps a box sleeps. The state is copied into a fresh mjData and both are stepped once:
# their states differ, though mj_getState gave the same numbers before. Exits 1 if that changes.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cat > "$work/sleep.py" << 'EOF_PYTHON'
import mujoco
import numpy as np

XML = """<mujoco><option><flag sleep="{}"/></option><worldbody><geom type="plane" size="9 9 1"/>
<body pos="0 0 .2"><freejoint/><geom type="box" size=".1 .1 .1"/></body>
<body pos="1 0 .5"><joint name="j" type="slide" axis="0 0 1"/><geom size=".1"/></body></worldbody></mujoco>"""


def difference(sleep):
    model = mujoco.MjModel.from_xml_string(XML.format(sleep))
    data, copy = mujoco.MjData(model), mujoco.MjData(model)
    kind = mujoco.mjtState.mjSTATE_INTEGRATION
    state = np.zeros(mujoco.mj_stateSize(model, kind))
    again = state.copy()
    for _ in range(2000):
        mujoco.mj_step(model, data)
    mujoco.mj_getState(model, data, state, kind)
    mujoco.mj_setState(model, copy, state, kind)
    mujoco.mj_getState(model, copy, again, kind)
    assert (state == again).all()
    for _ in range(3):
        mujoco.mj_step(model, data)
        mujoco.mj_step(model, copy)
    mujoco.mj_getState(model, data, state, kind)
    mujoco.mj_getState(model, copy, again, kind)
    return np.abs(state - again).max()


print(mujoco.__version__, "largest difference with sleep", difference("enable"), "without", difference("disable"))
assert difference("enable") > 0 and difference("disable") == 0
EOF_PYTHON
for version in 3.8.1 4.0.0; do
  python3 -m venv "$work/$version"
  "$work/$version/bin/pip" install -q --disable-pip-version-check mujoco==$version numpy
  "$work/$version/bin/python" "$work/sleep.py"
done
