"""The networks: padding and batches change nothing, no night sees the future, and they learn."""

import numpy as np
import pytest
import torch

from taonet_core.models.batching import collate
from taonet_core.models.taonet import TAONet, TAONetConfig, earlier_mean, matched_filter
from taonet_core.models.taonet_paper import TAONetPaper, TAONetPaperConfig, reading_plan

NETWORKS = {
    "taonet": lambda: TAONet(TAONetConfig()),
    "taonet-paper": lambda: TAONetPaper(TAONetPaperConfig(growth=4, depth=10, max_nights=6)),
}


@pytest.fixture(params=NETWORKS)
def network(request):
    torch.manual_seed(0)
    model = NETWORKS[request.param]()
    for module in model.modules():  # statistics as after training, not the identity
        if isinstance(module, torch.nn.BatchNorm2d):
            module.running_mean.uniform_(-0.2, 0.2)
            module.running_var.uniform_(0.5, 1.5)
    return model.eval()


def objects(rng, lengths):
    images = [rng.normal(0, 1, (n, 64, 64)).astype(np.float32) for n in lengths]
    return images, [np.sort(rng.uniform(54000, 55000, n)) for n in lengths]


def logits(model, images, times):
    batch = collate(images, times)
    with torch.inference_mode():
        return model(batch.frames, batch.mask, batch.times)


def test_padding_and_company_in_the_batch_change_nothing(network, rng):
    images, times = objects(rng, [1, 2, 3, 4, 9])
    together = logits(network, images, times)
    for i, n in enumerate(map(len, times)):
        alone = logits(network, images[i : i + 1], times[i : i + 1])[0]
        torch.testing.assert_close(together[i, :n], alone, atol=1e-5, rtol=0)


def test_an_early_probability_is_what_it_would_have_been_on_that_date(network, rng):
    images, times = objects(rng, [9])
    whole = logits(network, images, times)[0]
    for n in range(1, 9):
        beginning = logits(network, [images[0][:n]], [times[0][:n]])[0]
        torch.testing.assert_close(beginning, whole[:n], atol=1e-5, rtol=0)


def test_brightness_reaches_the_network(network, rng):
    images, times = objects(rng, [6])
    brighter = [images[0].copy()]
    brighter[0][3:] *= 3
    change = logits(network, images, times) - logits(network, brighter, times)
    assert change[0, :3].abs().max() < 1e-6
    assert change[0, -1].abs().max() > 1e-5


def test_a_sequence_of_24_nights_costs_at_most_a_third_of_a_gigaflop(rng):
    from torch.utils.flop_counter import FlopCounterMode

    images, times = objects(rng, [24])
    with FlopCounterMode(display=False) as counter:
        logits(NETWORKS["taonet"]().eval(), images, times)
    assert counter.get_total_flops() <= 0.35e9


def test_the_reference_is_the_mean_of_earlier_nights():
    frames = torch.tensor([1.0, 3.0, 8.0, 0.0]).view(1, 4, 1, 1)
    mask = torch.tensor([[True, True, True, False]])
    assert earlier_mean(frames, mask)[0, :3, 0, 0].tolist() == [1.0, 1.0, 2.0]


def test_photometric_weights_turn_white_noise_of_one_into_a_scatter_of_one():
    weights = matched_filter(2.5)
    assert weights.square().sum() == pytest.approx(1.0)
    assert weights.argmax() == 8 * 16 + 8


def test_the_published_windows():
    windows, beginnings = reading_plan(5, max_nights=30)
    read = [[windows[i] for i in ids] for ids in beginnings]
    assert read[0] == [[0, 0, 0], [0, 0, 0]]
    assert read[1] == [[0, 1, 0], [1, 0, 1]]  # two nights, doubled
    assert read[2] == [[0, 1, 2], [1, 2, 0], [2, 0, 1], [0, 1, 2]]
    assert read[3] == [[0, 1, 2], [1, 2, 3]]
    assert read[4] == [[0, 1, 2], [1, 2, 3], [2, 3, 4]]  # T nights give T - 2 windows


def test_the_published_network_reads_the_latest_thirty_nights():
    windows, beginnings = reading_plan(40, max_nights=30)
    last = [windows[i] for i in beginnings[-1]]
    assert (len(last), last[0][0], last[-1][-1]) == (28, 10, 39)


@pytest.mark.parametrize(("growth", "depth"), [(12, 30), (32, 70)])
def test_the_published_sizes_can_be_built(growth, depth):
    model = TAONetPaper(TAONetPaperConfig(growth=growth, depth=depth))
    convolutions = [m for m in model.encoder.modules() if isinstance(m, torch.nn.Conv2d)]
    bottlenecks = 3 * ((depth - 4) // 6)
    assert len(convolutions) == 2 * bottlenecks + 1 + 3  # and the first, and three transitions
