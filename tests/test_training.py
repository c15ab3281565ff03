"""Training learns, resumes exactly, and refuses a checkpoint that is not its own."""

import numpy as np
import pytest
import torch

from taonet_core.data.store import PackedNights
from taonet_core.errors import TrainingError
from taonet_core.fit import TrainConfig, fit, schedule
from taonet_core.models.taonet import TAONet, TAONetConfig
from taonet_core.models.taonet_paper import TAONetPaper, TAONetPaperConfig
from taonet_core.tasks import NightTask, VectorTask, WindowTask, symmetry, thin

SMALL = TAONetConfig(n_classes=3, widths=(8, 8, 8, 8), embedding=16, hidden=16, dropout=0.0)


@pytest.fixture
def packed():
    """Twelve objects of three kinds: one brightens, one fades, one stays."""
    rng = np.random.default_rng(5)
    labels, lengths = np.arange(12) % 3, rng.integers(5, 9, 12)
    images = []
    for label, n in zip(labels, lengths, strict=True):
        stack = rng.normal(0, 1, (n, 64, 64))
        stack[:, 31:34, 31:34] += (np.linspace(0, 40, n), np.linspace(40, 0, n), np.full(n, 20))[
            label
        ][:, None, None]
        images.append(stack)
    offsets = np.concatenate([[0], np.cumsum(lengths)])
    times = np.concatenate([np.arange(n) * 10.0 for n in lengths])
    stacked = np.concatenate(images).astype(np.float16)
    return PackedNights(stacked, times, offsets, np.arange(12)), labels


def night_task(packed, batch_size=6):
    everything = np.arange(12)
    return NightTask(*packed, everything, everything, batch_size=batch_size)


def test_taonet_overfits_twelve_sequences(packed):
    torch.manual_seed(1)
    model = TAONet(SMALL)
    history = fit(model, night_task(packed), TrainConfig(epochs=30, learning_rate=5e-3))
    assert history.epochs[history.best]["macro_f1"] == 1.0
    assert history.epochs[-1]["loss"] < 0.5 * history.epochs[0]["loss"]


def test_the_published_recipe_overfits_twelve_sequences(packed):
    torch.manual_seed(1)
    model = TAONetPaper(TAONetPaperConfig(n_classes=3, growth=4, depth=10))
    everything = np.arange(12)
    config = TrainConfig(epochs=80, optimizer="sgd", learning_rate=0.1, weight_decay=1e-4)
    windows = WindowTask(*packed, everything, everything, batch_size=6)
    fit(model, windows, config, stage="encoder")
    task = VectorTask(*packed, everything, everything, batch_size=6)
    assert list(task.encode(model, torch.device("cpu")))[-1] == 24
    history = fit(model, task, TrainConfig(epochs=200, learning_rate=1e-2), stage="gru")
    assert history.epochs[history.best]["macro_f1"] > 0.9


def test_a_resumed_run_ends_with_the_same_weights(packed, tmp_path):
    config = TrainConfig(epochs=4, batch_size=6)

    class Killed(Exception):
        pass

    def kill_after_two(report):
        if report.epoch == 1:
            raise Killed

    def fresh():
        torch.manual_seed(3)
        return TAONet(TAONetConfig(n_classes=3, widths=(8, 8, 8, 8), embedding=16, hidden=16))

    whole, first, second = fresh(), fresh(), fresh()
    fit(whole, night_task(packed), config)
    checkpoint = tmp_path / "run.pt"
    with pytest.raises(Killed):
        fit(first, night_task(packed), config, checkpoint=checkpoint, on_epoch=kill_after_two)
    history = fit(second, night_task(packed), config, checkpoint=checkpoint)
    assert [epoch["epoch"] for epoch in history.epochs] == [0, 1, 2, 3]
    for a, b in zip(whole.state_dict().values(), second.state_dict().values(), strict=True):
        assert torch.equal(a, b)


def test_a_foreign_or_broken_checkpoint_is_refused(packed, tmp_path):
    checkpoint = tmp_path / "run.pt"
    fit(TAONet(SMALL), night_task(packed), TrainConfig(epochs=1), checkpoint=checkpoint)
    with pytest.raises(TrainingError, match="belongs to another run"):
        fit(TAONet(SMALL), night_task(packed), TrainConfig(epochs=2), checkpoint=checkpoint)
    checkpoint.write_bytes(checkpoint.read_bytes()[:1000])
    with pytest.raises(TrainingError, match="cannot be read"):
        fit(TAONet(SMALL), night_task(packed), TrainConfig(epochs=1), checkpoint=checkpoint)


def test_a_time_budget_ends_the_run_and_its_schedule(packed):
    reports = []
    fit(
        TAONet(SMALL),
        night_task(packed),
        TrainConfig(epochs=10_000),
        time_budget=0.5,
        on_epoch=reports.append,
    )
    assert reports[-1].share == 1.0
    assert len(reports) < 1000


def test_pixels_that_are_not_finite_stop_training_with_a_reason(packed):
    nights, labels = packed
    broken = PackedNights(nights.images * np.float16(np.inf), *list(vars(nights).values())[1:])
    with pytest.raises(TrainingError, match="the loss of train is nan"):
        fit(TAONet(SMALL), night_task((broken, labels)), TrainConfig(epochs=1))


def test_the_schedule_warms_up_and_ends_at_zero():
    values = [schedule(share) for share in np.linspace(0, 1, 101)]
    assert max(values) == pytest.approx(1.0, abs=0.01)
    assert values[0] < 0.1
    assert values[-1] == pytest.approx(0.0, abs=1e-9)


def test_the_eight_symmetries_differ_and_leave_the_target_in_place(rng):
    stack = rng.normal(size=(2, 64, 64))
    variants = [symmetry(stack, which) for which in range(8)]
    assert all((v[:, 32, 32] == stack[:, 32, 32]).all() for v in variants)
    assert len({v.tobytes() for v in variants}) == 8


def test_thinning_keeps_order_and_at_least_one_night(rng):
    for _ in range(200):
        kept = thin(int(rng.integers(1, 30)), rng)
        assert len(kept) >= 1
        assert (np.diff(kept) > 0).all()
