"""Networks run on arrays and stepped; search, handles, processes."""

import gc
import multiprocessing
import os
import pickle
import threading

import numpy as np
import pytest
from conftest import EPROP, class_spikes, small_net

import spikelane as sl


def test_records_are_those_of_single_steps():
    x, _ = class_spikes(4)
    net = small_net().compile()
    details = {}
    record = net.run(x, record=["hidden.s", "output.v"], details=details)
    assert record["hidden.s"].shape == (4, 20, 20) and record["hidden.s"].dtype == np.uint8
    assert record["hidden.s"].sum() > 20  # a silent network would prove nothing
    assert details["n_samples"] == 4 and "accuracy" not in details and len(details["state_hash"]) == 16
    sim = net.simulation(rows=4)
    for t in range(20):
        assert np.array_equal(sim.step(x[:, t]), record["output.v"][:, t])
    with pytest.raises(ValueError, match="hiden.s"):
        net.run(x, record=["hiden.s"])
    with pytest.raises(ValueError, match="11 inputs"):
        net.run(x[..., :11])


def test_labels_give_scores():
    x, y = class_spikes(30)
    run = sl.train(small_net(), x, y, rule=EPROP, epochs=6)
    details = {}
    run.net.run(x, labels=y, details=details)
    assert details["accuracy"] == pytest.approx(run.final["test_accuracy"])


def test_step_takes_rows_or_one_row_and_names_wrong_shapes():
    sim = small_net().compile().simulation()
    one = sim.step(np.ones(12))
    sim.reset()
    assert one.shape == (3,)
    assert np.array_equal(sim.step(np.ones((1, 12), np.float16))[0], one)
    with pytest.raises(ValueError, match=r"\(3,\) of float64.*\(1, 12\)"):
        sim.step(np.ones(3))
    with pytest.raises(ValueError, match=r"observations\[0\]"):
        sim.step(np.full(12, np.nan))


def test_state_is_saved_and_restored_to_the_bit():
    x, _ = class_spikes(1)
    sim = small_net().compile().simulation()
    for t in range(10):
        sim.step(x[0, t])
    state = sim.save_state()
    after = [sim.step(x[0, t]) for t in range(10, 20)]
    sim.restore_state(state)
    assert sim.n_steps == 10
    assert np.array_equal(after, [sim.step(x[0, t]) for t in range(10, 20)])
    with pytest.raises(ValueError):
        sim.restore_state(state[:-1])


def test_search_follows_a_fitness_of_ones_own():
    net = sl.Network(inputs=2)
    net.add("output", "readout", n=1, beta=0.5)
    net.connect("input", "output", init={"kind": "zeros"})
    search = sl.Search(net, n_members=32, sigma=0.1, rule={"optimiser": {"kind": "adam", "lr": 0.05}})
    assert search.n_members == search.n_rows == 32
    observation = np.tile(np.array([1.0, -1.0], np.float32), (32, 1))
    losses = []
    for _ in range(60):
        values = search.step(observation)[:, 0]
        losses.append(np.mean((values - 3.0) ** 2))
        search.tell((values - 3.0) ** 2)
    assert losses[-1] < 0.1 * losses[0]
    weights = search.best().weights["input.output.weight"]
    assert weights[0, 0] - weights[1, 0] == pytest.approx(3.0, abs=0.7)
    with pytest.raises(ValueError, match=r"\(31,\).*\(32,\)"):
        search.tell(np.zeros(31))


def test_weights_go_in_and_out_by_name():
    weights = small_net().compile().weights
    again = small_net(seed=9).compile(weights)
    for name, values in again.weights.items():
        assert np.array_equal(values, weights[name])
    assert not np.array_equal(small_net(seed=9).compile().weights["input.hidden.weight"], weights["input.hidden.weight"])


def test_policy_files_and_pickles_hold_the_same_network(tmp_path):
    x, _ = class_spikes(4)
    net = small_net().compile()
    wanted = net.run(x, record=["output.v"])["output.v"]
    net.save(tmp_path / "net.spikelane")
    for other in (sl.load(tmp_path / "net.spikelane"), pickle.loads(pickle.dumps(net))):
        assert np.array_equal(other.run(x, record=["output.v"])["output.v"], wanted)


def run_pickled(net, x, results):
    results.put(net.run(x, record=["output.v"], threads=2)["output.v"])


@pytest.mark.parametrize("method", ["spawn", "fork"])
def test_other_processes(method):
    x, _ = class_spikes(4)
    net = small_net().compile()
    wanted = net.run(x, record=["output.v"], threads=2)["output.v"]
    context = multiprocessing.get_context(method)
    results = context.Queue()
    process = context.Process(target=run_pickled, args=(net, x, results))
    process.start()
    assert np.array_equal(results.get(timeout=60), wanted)
    process.join(60)
    assert process.exitcode == 0


def test_two_threads_step_two_simulations():
    x, _ = class_spikes(1, 200)
    net = small_net().compile()
    outputs = {}

    def work(name):
        sim = net.simulation()
        outputs[name] = np.array([sim.step(x[0, t]) for t in range(200)])

    threads = [threading.Thread(target=work, args=(name,)) for name in "ab"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert np.array_equal(outputs["a"], outputs["b"])


def resident_bytes():
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGESIZE")


def test_memory_stays_flat_while_networks_come_and_go():
    n = int(os.environ.get("SPIKELANE_N_LEAK", 300))

    def open_and_close(count):
        for _ in range(count):
            sim = small_net().compile().simulation()
            sim.step(np.ones(12))
        gc.collect()

    open_and_close(100)
    before = resident_bytes()
    open_and_close(n)
    # one leaked network of this size would take 8 KiB or more
    assert resident_bytes() - before < n * 1024 + (1 << 20)


def test_a_closed_network_is_an_error_and_no_crash():
    net = small_net().compile()
    sim = net.simulation()
    net.close()
    sim.step(np.ones(12))
    with pytest.raises(sl.Error, match="no such handle"):
        net.simulation()
    sim.close()
    with pytest.raises(sl.Error, match="no such handle"):
        sim.step(np.ones(12))
