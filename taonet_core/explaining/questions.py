"""What can be asked of which model, and by which method: checked once for every explanation."""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType

from taonet_core.labels import TransientClass
from taonet_core.models import CURVE_KINDS
from taonet_core.models.weights import ModelBundle, load_model


@dataclass(frozen=True)
class Method:
    """A way to share out evidence over pixels.

    Attributes
    ----------
    name : str
    help : str
        One sentence for a reader.
    signed : bool
        Whether evidence against the class comes out negative.
    complete : bool
        Whether the evidence of all pixels sums to the explained log-odds.
    """

    name: str
    help: str
    signed: bool = True
    complete: bool = False


#: Key -> method, the default first.
METHODS = MappingProxyType(
    {
        "integrated_gradients": Method(
            "Integrated Gradients",
            "Adds up how the log-odds react while the images grow out of the baseline; the "
            "evidence of all pixels sums to what is explained.",
            complete=True,
        ),
        "gradient_shap": Method(
            "Gradient SHAP",
            "As Integrated Gradients, from many baselines that have the noise of the sky.",
        ),
        "occlusion": Method(
            "Occlusion",
            "Blanks one tile of one night after the other and notes what the log-odds lose.",
        ),
        "saliency": Method(
            "Saliency",
            "How much the log-odds react to each pixel as it is, in either direction.",
            signed=False,
        ),
        "smoothgrad": Method(
            "SmoothGrad",
            "Saliency averaged over copies with added noise.",
            signed=False,
        ),
        "grad_cam": Method(
            "Grad-CAM",
            "Where the last feature maps that speak for the class are bright; coarse.",
            signed=False,
        ),
        "deep_lift": Method(
            "DeepLIFT",
            "Carries the difference from the baseline back layer by layer; it has no rule for "
            "recurrent layers and running maxima.",
            complete=True,
        ),
    }
)
#: Blur of the baseline "blurred", pixels (standard deviation).
BLUR = 8.0
#: Key -> what the images are compared with, in words; the default first. Empty sky is no neutral
#: ground: to `taonet` it is a supernova too faint to see.
BASELINES = MappingProxyType(
    {
        "first_night": "nothing ever changes: every night looks like the first",
        "sky": "empty sky: no source anywhere, on any night",
        "blurred": "the same light without its shapes: every night blurred by a Gaussian of "
        f"{BLUR * 2.3548:.0f} pixels FWHM",
    }
)


def image_model(model: str | ModelBundle) -> ModelBundle:
    """Load a model whose decisions lie in pixels.

    Raises
    ------
    ValueError
        If the model reads light curves.
    """
    bundle = load_model(model) if isinstance(model, str) else model
    if bundle.kind in CURVE_KINDS:
        raise ValueError(
            f"{bundle.name} reads light curves and sees no pixels; use explain_features"
        )
    return bundle


def curve_model(model: str | ModelBundle) -> ModelBundle:
    """Load a model whose decisions lie in features of light curves.

    Raises
    ------
    ValueError
        If the model reads images.
    """
    bundle = load_model(model) if isinstance(model, str) else model
    if bundle.kind not in CURVE_KINDS:
        raise ValueError(f"{bundle.name} reads images, not features of light curves; use explain")
    return bundle


def class_numbers(
    bundle: ModelBundle, target: TransientClass | str, against: TransientClass | str | None
) -> tuple[int, int | None]:
    """Return the numbers of the class to explain and of the one to tell it from.

    Raises
    ------
    ValueError
        If the model does not know one, or they are the same.
    """
    names = [str(name) for name in bundle.classes]
    for name in (target, against):
        if name is not None and str(name) not in names:
            raise ValueError(f"{bundle.name} knows the classes {names}; got {str(name)!r}")
    if against is not None and str(target) == str(against):
        raise ValueError(f"wanted two classes to tell apart; got {str(target)!r} twice")
    return names.index(str(target)), None if against is None else names.index(str(against))
