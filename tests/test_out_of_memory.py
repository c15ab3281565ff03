"""Where memory, time or a GPU do not suffice, one object gives way and the rest goes on."""

import numpy as np
import pytest
import torch

from taonet_core import explain as explaining
from taonet_core import outputs
from taonet_core.data.store import PackedNights
from taonet_core.errors import Code, InvalidSequenceError, TrainingError
from taonet_core.explain import explain
from taonet_core.fit import fit
from taonet_core.inference import predict_many
from taonet_core.labels import SIX_CLASSES
from taonet_core.learning import TrainConfig
from taonet_core.models.memory import lost_device, ran_out
from taonet_core.models.taonet import TAONet, TAONetConfig
from taonet_core.models.weights import ModelBundle
from taonet_core.tasks import NightTask
from taonet_core.transforms.preprocess import PreprocessConfig

CONFIG = TAONetConfig(widths=(4, 4, 4, 4), embedding=8, hidden=8)
NO_MEMORY = RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory: you tried")


@pytest.fixture
def bundle():
    torch.manual_seed(0)
    network = TAONet(CONFIG).eval()
    return ModelBundle("taonet", "0", "taonet", SIX_CLASSES, network, CONFIG, PreprocessConfig())


def scarce(most, read):
    """Return a reader of nights that has memory for so many at once."""

    def reader(nights, *args):
        if sum(map(len, nights)) > most:
            raise NO_MEMORY
        return read(nights, *args)

    return reader


@pytest.mark.parametrize("error", [NO_MEMORY, MemoryError(), torch.OutOfMemoryError("CUDA")])
def test_every_way_to_say_that_memory_ran_out_is_known(error):
    assert ran_out(error)
    assert not ran_out(RuntimeError("another")) and not lost_device(error)
    assert lost_device(RuntimeError("CUDA error: device-side assert triggered"))


def test_a_batch_that_is_too_large_is_read_in_parts(bundle, make_sequence, monkeypatch):
    sequences = [make_sequence(nights=n) for n in (2, 3, 9, 2, 1)]
    whole = predict_many(sequences, bundle)
    prepare, read = outputs._STEPS["network"]
    monkeypatch.setitem(outputs._STEPS, "network", (prepare, scarce(5, read)))
    found = predict_many(sequences, bundle)
    assert [isinstance(item, InvalidSequenceError) for item in found] == [0, 0, 1, 0, 0]
    assert found[2].code is Code.MEMORY
    for i in (0, 1, 3, 4):
        assert np.array_equal(found[i].probabilities, whole[i].probabilities)


def test_another_fault_is_not_taken_for_missing_memory(bundle, make_sequence, monkeypatch):
    def broken(*args):
        raise RuntimeError("a fault of ours")

    monkeypatch.setitem(outputs._STEPS, "network", (outputs._STEPS["network"][0], broken))
    with pytest.raises(RuntimeError, match="a fault of ours"):
        predict_many([make_sequence()], bundle)


def test_an_explanation_that_takes_too_long_is_given_up(bundle, make_sequence, monkeypatch):
    monkeypatch.setattr(explaining, "MOST_SECONDS", 0.0)
    with pytest.raises(InvalidSequenceError, match="longer than 0 s .* of 32") as said:
        explain(make_sequence(), bundle)
    assert said.value.code is Code.TIMEOUT


def test_an_explanation_without_memory_says_so(bundle, make_sequence, monkeypatch):
    def fail(*args):
        raise NO_MEMORY

    monkeypatch.setattr("taonet_core.explaining.methods.evidence", fail)
    with pytest.raises(InvalidSequenceError, match="not enough memory to explain") as said:
        explain(make_sequence(), bundle)
    assert said.value.code is Code.MEMORY


def test_no_more_evaluations_than_can_be_meant_are_made(bundle, make_sequence):
    with pytest.raises(ValueError, match="1 to 1000 steps"):
        explain(make_sequence(), bundle, steps=10**9)


@pytest.mark.parametrize(
    ("error", "said", "code"),
    [
        (NO_MEMORY, "not enough memory to train", Code.MEMORY),
        (RuntimeError("CUDA error: unspecified launch failure"), "does not answer", Code.TRAINING),
    ],
)
def test_training_without_memory_or_gpu_says_how_it_goes_on(
    tmp_path, monkeypatch, error, said, code
):
    nights = PackedNights(
        np.zeros((8, 32, 32), np.float16), np.zeros(8), np.arange(9), np.arange(8)
    )
    task = NightTask(nights, np.arange(8) % 2, *2 * [np.arange(8)], n_classes=2, batch_size=4)

    def fail(*args):
        raise error

    monkeypatch.setattr(task, "score", fail)
    with pytest.raises(TrainingError, match=f"{said}.*goes on from the last checkpoint") as raised:
        fit(TAONet(TAONetConfig(n_classes=2, widths=(2, 2))), task, TrainConfig(epochs=1))
    assert raised.value.code is code
