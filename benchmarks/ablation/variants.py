"""Which variants there are, and what each is compared for."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from torch import nn

from ablation import changes
from taonet_core.labels import TransientClass
from taonet_core.models.taonet import TAONet
from taonet_core.tasks import NightTask

#: Objects of the DEEP-TAO release (arXiv 2503.16714), of which non-transients are three quarters.
RELEASE = {
    TransientClass.AGN: 606,
    TransientClass.BZ: 239,
    TransientClass.CV: 772,
    TransientClass.OTHER: 818,
    TransientClass.SN: 1372,
    TransientClass.NON: 12_500,
}


@dataclass(frozen=True)
class Variant:
    """One ablation.

    Attributes
    ----------
    says : str
        What it is, as the table says it.
    change : callable
        Makes the network of a `TAONet`; in place, if it likes.
    task : type of NightTask
        What it learns from.
    step : {"night", "first exposure", "exposure"}
        What one image of the sequence is.
    share : float
        Share of the usual number of training objects; infinity for all there are.
    release : bool
        Whether classes are as frequent as in the DEEP-TAO release.
    """

    says: str
    change: Callable[[TAONet], nn.Module] = lambda network: network
    task: type[NightTask] = changes.FixedBudget
    step: str = "night"
    share: float = 1.0
    release: bool = False


PARTS = {
    "taonet": Variant("as it is"),
    "no-difference": Variant("no difference channel", changes.without_difference),
    "no-times": Variant("no time steps", changes.without_times),
    "frame-normalised": Variant("each night normalised by itself", changes.frame_normalised),
    "mean": Variant("CNN only: mean over nights", changes.mean_of_nights),
    "lstm": Variant("LSTM for the GRU", changes.lstm),
    "attention": Variant("attention for the GRU", changes.attention),
    "no-statistics": Variant("no running mean, scatter, maximum", changes.without_statistics),
    "no-noise": Variant("no noise, no fluxes in its units", changes.without_noise),
    "centre-only": Variant("one scale: the centre alone", changes.centre_only),
    "field-only": Variant("one scale: the whole at half resolution", changes.field_only),
    "no-rotations": Variant("no rotations, no reflections", task=changes.Unrotated),
    "first-exposure": Variant("first exposure of a night, not the mean", step="first exposure"),
    "exposures": Variant("every exposure a step, not every night", step="exposure"),
}
SIZES = {
    "quarter": Variant("a quarter of the objects", share=0.25),
    "half": Variant("half of the objects", share=0.5),
    "everything": Variant("all objects there are", share=float("inf")),
}
IMBALANCE = {
    "release-plain": Variant("nothing done", task=changes.Unadjusted, release=True),
    "release-weights": Variant("class weights in the loss", task=changes.Weighted, release=True),
    "release-sampling": Variant(
        "class-balanced sampling", task=changes.BalancedSampling, release=True
    ),
    "release-focal": Variant("focal loss", task=changes.Focal, release=True),
    "release-adjusted": Variant("logit-adjusted loss: as `taonet`", release=True),
}
#: In the order in which they are run: the slow one last.
VARIANTS = {
    name: variant
    for name, variant in (PARTS | SIZES | IMBALANCE).items()
    if variant.step != "exposure"
} | {"exposures": PARTS["exposures"]}
#: Trained with the classes as frequent as they are, so that their verdicts lean to the frequent.
LEANING = ("release-plain", "release-focal")
