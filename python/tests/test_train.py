"""Training from Python: the same bits as the command line, errors, stops, checkpoints."""

import json
import os
import signal
import subprocess
import threading
import time

import numpy as np
import pytest
from conftest import EPROP, ROOT, class_spikes, small_net

import spikelane as sl


def write_safetensors(path, arrays):
    names = {np.dtype("uint8"): "U8", np.dtype("int32"): "I32", np.dtype("float32"): "F32"}
    header, data = {}, b""
    for name, array in arrays.items():
        end = len(data) + array.nbytes
        header[name] = {"dtype": names[array.dtype], "shape": array.shape, "data_offsets": [len(data), end]}
        data += array.tobytes()
    text = json.dumps(header).encode()
    path.write_bytes(len(text).to_bytes(8, "little") + text + data)


def command_line_hash(program, config, folder, *options):
    done = subprocess.run(
        [program, "train", str(config), "--out", str(folder), *options], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    return json.loads((folder / "results.json").read_text())


@pytest.mark.parametrize("rule", [EPROP, {**EPROP, "mode": "online"}, {"kind": "es", "n_members": 8, "batch": 16}])
def test_same_hash_as_the_command_line_on_arrays(program, tmp_path, rule):
    x, y = class_spikes()
    run = sl.train(small_net(), x, y, n_test=12, rule=rule, run={"n_updates": 6, "report_every": 3})
    write_safetensors(tmp_path / "data.safetensors", {"inputs": x, "labels": y.astype(np.int32)})
    config = small_net().config(
        rule=rule, run={"n_updates": 6, "report_every": 3},
        task={"kind": "array", "file": "data.safetensors", "n_test": 12},
    )  # fmt: skip
    (tmp_path / "config.json").write_text(json.dumps(config))
    results = command_line_hash(program, tmp_path / "config.json", tmp_path / "out")
    assert run.state_hash == results["state_hash"]
    assert run.final["test_loss"] == results["final"]["test_loss"]
    run.save(tmp_path / "saved")
    assert (tmp_path / "saved" / "weights.safetensors").stat().st_size > 0
    loaded = sl.load(tmp_path / "saved")
    for name, values in loaded.weights.items():
        assert np.array_equal(values, run.weights[name]), name


@pytest.mark.parametrize("name", ["cartpole_es", "randman_es"])
def test_same_hash_as_the_command_line_on_built_in_tasks(program, tmp_path, name):
    config = ROOT / "configs" / f"{name}.json"
    run = sl.train(config, run={"n_updates": 2, "report_every": 1})
    results = command_line_hash(
        program, config, tmp_path / "out", "--set", "run.n_updates=2", "--set", "run.report_every=1"
    )
    assert run.state_hash == results["state_hash"]


def test_any_dtype_and_strides_give_the_same_bits():
    x, y = class_spikes()
    keys = dict(rule=EPROP, run={"n_updates": 3})
    wanted = sl.train(small_net(), x, y, **keys).state_hash
    for dtype in ("bool", "int8", "int16", "float16", "float32", "float64"):
        assert sl.train(small_net(), x.astype(dtype), y.astype("uint16"), **keys).state_hash == wanted
    turned = np.asfortranarray(x)
    assert sl.train(small_net(), turned, y, **keys).state_hash == wanted
    backwards = np.ascontiguousarray(x[:, ::-1])[:, ::-1]
    assert sl.train(small_net(), backwards, y, **keys).state_hash == wanted
    wide = np.zeros((*x.shape[:2], 2 * x.shape[2]), np.uint8)
    wide[..., ::2] = x
    assert sl.train(small_net(), wide[..., ::2], y, **keys).state_hash == wanted


def test_events_give_the_bits_of_the_dense_array():
    x, y = class_spikes()
    sample, step, unit = np.nonzero(x)
    offsets = np.searchsorted(sample, np.arange(len(x) + 1))
    events = sl.Events(offsets, step, unit, n_steps=x.shape[1], n_inputs=x.shape[2])
    keys = dict(rule=EPROP, run={"n_updates": 3})
    assert sl.train(small_net(), events, y, **keys).state_hash == sl.train(small_net(), x, y, **keys).state_hash


def test_it_learns():
    x, y = class_spikes(240)
    run = sl.train(small_net(), x[:180], y[:180], test=(x[180:], y[180:]), rule=EPROP, epochs=8)
    assert run.final["test_accuracy"] > 0.8
    assert run.reports[-1]["update"] == 8 * 12
    assert set(run.weights) == {
        "input.hidden.weight", "hidden.hidden.weight", "hidden.output.weight", "output.bias",
    }  # fmt: skip


def test_reports_come_while_it_trains_in_the_calling_thread():
    x, y = class_spikes()
    seen = []
    run = sl.train(
        small_net(), x, y, rule=EPROP, run={"n_updates": 6, "report_every": 2},
        on_report=lambda report: seen.append((report["update"], threading.current_thread())),
    )  # fmt: skip
    assert [update for update, _ in seen] == [report["update"] for report in run.reports] == [2, 4, 6]
    assert all(thread is threading.current_thread() for _, thread in seen)


def test_what_on_report_raises_ends_the_training():
    x, y = class_spikes()

    def fail(report):
        raise LookupError("mine")

    with pytest.raises(LookupError, match="mine"):
        sl.train(small_net(), x, y, rule=EPROP, run={"n_updates": 100000, "report_every": 1}, on_report=fail)


def test_errors_name_both_shapes_and_everything_at_once():
    x, y = class_spikes()
    with pytest.raises(ValueError, match=r"labels.*\(59\) of int64.*shape \(60\)"):
        sl.train(small_net(), x, y[:-1], rule=EPROP, run={"n_updates": 1})
    with pytest.raises(ValueError, match=r"inputs.*\(60, 20\) of uint8"):
        sl.train(small_net(), x[..., 0], y, rule=EPROP, run={"n_updates": 1})
    with pytest.raises(ValueError, match="complex128"):
        sl.train(small_net(), x.astype(complex), y, rule=EPROP)
    with pytest.raises(ValueError, match=r"labels\[3\]: found -1"):
        sl.train(small_net(), x, np.where(np.arange(60) == 3, -1, y), rule=EPROP)
    bad = x.astype(np.float32)
    bad[3, 2, 1] = np.nan
    with pytest.raises(ValueError, match=r"inputs\[3, 2, 1\]: found NaN"):
        sl.train(small_net(), bad, y, rule=EPROP)
    with pytest.raises(sl.ConfigError) as raised:
        sl.train(small_net(), x, y, rule={"kind": "es", "sigma": -1, "shaping": "none at all"})
    assert {problem["path"] for problem in raised.value.problems} == {"rule.sigma", "rule.shaping"}
    assert raised.value.problems[0]["found"] and raised.value.problems[0]["allowed"]


def test_ctrl_c_stops_with_a_checkpoint_from_which_it_goes_on_to_the_same_bits(tmp_path):
    x, y = class_spikes()
    length = {"n_updates": 40, "report_every": 4}
    whole = sl.train(small_net(), x, y, rule=EPROP, run=length)

    def interrupt(report):
        if report["update"] == 4:
            os.kill(os.getpid(), signal.SIGINT)
            time.sleep(0.05)

    many = {"n_updates": 10**6, "report_every": 4, "n_test_report": 4}
    with pytest.raises(sl.Interrupted) as raised:
        sl.train(small_net(), x, y, rule=EPROP, run=many, on_report=interrupt, checkpoint=tmp_path)
    n_done = raised.value.run.final["update"]
    assert raised.value.run.results["interrupted"] == "signal" and n_done >= 4
    longer = {"n_updates": n_done + 3, "report_every": 4}
    resumed = sl.train(small_net(), x, y, rule=EPROP, run=longer, checkpoint=tmp_path, resume=True)
    assert resumed.state_hash == sl.train(small_net(), x, y, rule=EPROP, run=longer).state_hash
    assert resumed.state_hash != whole.state_hash or n_done + 3 == 40


def test_the_interpreter_runs_while_the_engine_works():
    x, y = class_spikes(300, 50)
    counted, is_over = [0], threading.Event()

    def count():
        while not is_over.is_set():
            counted[0] += 1
            time.sleep(0.001)

    thread = threading.Thread(target=count)
    thread.start()
    begin = time.monotonic()
    sl.train(small_net(), x, y, rule=EPROP, epochs=1)
    taken = time.monotonic() - begin
    is_over.set()
    thread.join()
    # with the lock held it would have counted once or twice
    assert counted[0] > min(5, 20 * taken)


@pytest.mark.parametrize("rule", [EPROP, {"kind": "es", "n_members": 8}])
def test_start_from(rule, tmp_path):
    x, y = class_spikes()
    first = sl.train(small_net(), x, y, rule=EPROP, run={"n_updates": 5})
    first.save(tmp_path)
    length = {"n_updates": 1}
    plain = sl.train(small_net(), x, y, rule=rule, run=length).state_hash
    given = {sl.train(small_net(), x, y, rule=rule, run=length, start_from=start).state_hash
             for start in (first, first.net, first.weights, tmp_path)}  # fmt: skip
    assert len(given) == 1 and plain not in given
    still = {**rule, "optimiser": {"kind": "sgd", "lr": 1e-20}}
    kept = sl.train(small_net(), x, y, rule=still, run=length, start_from=first)
    assert np.allclose(kept.weights["input.hidden.weight"], first.weights["input.hidden.weight"], atol=1e-6)
    with pytest.raises(ValueError, match=r"shape \(3, 3\).*shape \(12, 20\)"):
        sl.train(small_net(), x, y, rule=rule, start_from={"input.hidden.weight": np.zeros((3, 3))})
    with pytest.raises(ValueError, match="input.hiden.weight"):
        sl.train(small_net(), x, y, rule=rule, start_from={"input.hiden.weight": np.zeros((12, 20))})


def test_start_from_on_the_command_line_gives_the_bits_of_python(program, tmp_path):
    x, y = class_spikes()
    write_safetensors(tmp_path / "data.safetensors", {"inputs": x, "labels": y.astype(np.int32)})
    task = {"kind": "array", "file": "data.safetensors", "n_test": 12}
    config = small_net().config(rule=EPROP, run={"n_updates": 3}, task=task)
    (tmp_path / "config.json").write_text(json.dumps(config))
    first = sl.train(small_net(seed=5), x, y, n_test=12, rule=EPROP, run={"n_updates": 4})
    first.save(tmp_path / "first")
    weights = str(tmp_path / "first" / "weights.safetensors")
    results = command_line_hash(program, tmp_path / "config.json", tmp_path / "out", "--start-from", weights)
    run = sl.train(small_net(), x, y, n_test=12, rule=EPROP, run={"n_updates": 3}, start_from=first)
    assert run.state_hash == results["state_hash"]
    wrong = subprocess.run(
        [program, "train", str(tmp_path / "config.json"), "--start-from", str(tmp_path / "data.safetensors")],
        capture_output=True, text=True,
    )  # fmt: skip
    assert wrong.returncode == 2 and "input.hidden.weight" in wrong.stderr
