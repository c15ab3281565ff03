"""Where and when the evidence lies: shares of it, and a sentence made of them."""

from __future__ import annotations

import warnings
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from taonet_core.data.results import Attribution
from taonet_core.data.sequence import ImageSequence, crop_or_pad, known_number
from taonet_core.explaining.questions import METHODS
from taonet_core.transforms.field_stars import stellar_fwhm
from taonet_core.transforms.photometry import target_pixel
from taonet_core.transforms.preprocess import mark_missing

#: Radius around the target that counts as the target, FWHM.
RADIUS_FWHM = 2.0
#: A source is a host if it is wider than a star by this factor and begins within the radius.
EXTENDED = 1.5
#: Level of the segmentation, units of the noise of the smoothed image, and its least pixels.
LEVEL, LEAST_PIXELS = 3.0, 5
#: What is compared with, in a sentence; keys of `BASELINES` (`taonet_core.explaining.questions`).
BASELINE_WORDS = {
    "first_night": "a sequence in which nothing ever changes",
    "sky": "an empty sky",
    "blurred": "a blurred sequence",
}
#: What is called so, in braces, where the baseline alone has odds above 1; the same keys.
_WITHOUT = {
    "first_night": "without any change {}, by what stands there on the first night",
    "sky": "with nothing in the frames {}",
    "blurred": "with its frames blurred {}",
}
#: Nights named at most, and the share that must speak one way to be called for or against.
MOST_NAMED, ONE_WAY = 3, 2 / 3


def aperture_radius(sequence: ImageSequence) -> float:
    """Return the radius around the target within which light is taken to be its own, pixels."""
    return RADIUS_FWHM * stellar_fwhm(sequence)


def evidence_masks(attribution: Attribution, sequence: ImageSequence) -> dict[str, NDArray]:
    """Divide the maps into target, host and the rest.

    Parameters
    ----------
    attribution : Attribution
    sequence : ImageSequence
        What was explained.

    Returns
    -------
    dict of str to ndarray, each shape (H, W), bool
        Keys ``target`` (within 2 FWHM of the target), ``host`` (the extended source at it, on the
        median of the survey's references or of the frames read) and ``rest``; every pixel is in
        exactly one. Stars that blend with the target look extended, too.
    """
    left, top = attribution.meta["left"], attribution.meta["top"]
    height, width = attribution.values.shape[1:]
    x, y = target_pixel(sequence)
    rows, columns = np.mgrid[:height, :width]
    target = np.hypot(columns + left - x, rows + top - y) <= aperture_radius(sequence)
    found = _extended_source(_still_image(attribution, sequence), sequence, (x, y))
    on_map = crop_or_pad(found.astype(np.float32), top, left, height, width) == 1
    host = on_map & ~target
    return {"target": target, "host": host, "rest": ~(target | host)}


def evidence_shares(attribution: Attribution, sequence: ImageSequence) -> dict[str, float]:
    """Return the shares of all evidence, for and against alike, that lie in each part.

    Parameters
    ----------
    attribution : Attribution
    sequence : ImageSequence
        What was explained.

    Returns
    -------
    dict of str to float
        ``target``, ``host`` and ``rest`` (`evidence_masks`); they sum to 1. Without any evidence,
        the shares of the area.
    """
    size = np.abs(attribution.values).sum(0, dtype=np.float64)
    size = size if size.any() else np.ones_like(size)
    masks = evidence_masks(attribution, sequence)
    return {part: float(size[mask].sum() / size.sum()) for part, mask in masks.items()}


def evidence_sentence(attribution: Attribution, sequence: ImageSequence) -> str:
    """Say where and when the evidence lies, and what it amounts to, in measured quantities only.

    Parameters
    ----------
    attribution : Attribution
    sequence : ImageSequence
        What was explained.
    """
    if not attribution.values.any():
        start = BASELINE_WORDS[attribution.baseline]
        return f"There is no evidence about {attribution.target}: nothing differs from {start}."
    shares = evidence_shares(attribution, sequence)
    place = f"within 2 FWHM ({_angle(aperture_radius(sequence), sequence)}) of the target"
    first = f"{_percent(shares['target'])} of {_subject(attribution)} lies {place}"
    first += _when(attribution, sequence)
    if shares["rest"] > max(shares["target"], shares["host"]):
        first = f"Only {first}; {_percent(shares['rest'])} lies elsewhere in the field"
    if shares["host"] >= 0.005:
        first += f"; {_percent(shares['host'])} lies on extended light there, such as a host galaxy"
    target = evidence_masks(attribution, sequence)["target"]
    return f"{first}. {_amount(attribution, target)}".rstrip()


def main_nights(
    attribution: Attribution, sequence: ImageSequence
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Return the nights that hold most of the evidence at the target, and the share of each.

    Parameters
    ----------
    attribution : Attribution
    sequence : ImageSequence

    Returns
    -------
    nights : ndarray, shape (M,), int64
        The fewest that together hold more than half, in order of time.
    shares : ndarray, shape (M,), float64
    """
    masks = evidence_masks(attribution, sequence)
    size = np.abs(attribution.values[:, masks["target"]]).sum(1, dtype=np.float64)
    if not size.any():
        return np.arange(0), np.zeros(0)
    share = size / size.sum()
    ranked = np.argsort(-share, kind="stable")
    count = int(np.searchsorted(np.cumsum(share[ranked]), 0.5, side="right")) + 1
    nights = np.sort(ranked[:count])
    return nights, share[nights]


def _subject(attribution: Attribution) -> str:
    """Name what is shared out: evidence for, against, or both."""
    about = str(attribution.target)
    if attribution.against is not None:
        about += f" rather than {attribution.against}"
    if not attribution.signed:
        return f"what decides on {about} by this method"
    nights = attribution.per_night
    total = np.abs(nights).sum()
    support = np.clip(nights, 0, None).sum() / total if total else 0.5
    word = "for and against" if support > 1 - ONE_WAY else "against"
    return f"the evidence {'for' if support >= ONE_WAY else word} {about}"


def _when(attribution: Attribution, sequence: ImageSequence) -> str:
    nights, shares = main_nights(attribution, sequence)
    if len(attribution.times) == 1 or not len(nights):
        return ""
    if len(nights) > MOST_NAMED:
        best = nights[np.argmax(shares)]
        name = _night_names([best], attribution, sequence)
        return f", spread over many nights ({_percent(shares.max())} of it on {name})"
    return f", most of it on {_night_names(nights, attribution, sequence)}"


def _night_names(
    nights: Sequence[int] | NDArray[np.int64], attribution: Attribution, sequence: ImageSequence
) -> str:
    if sequence.meta.get("time_kind", "mjd") == "mjd":
        days = np.floor(attribution.times[nights]).astype(np.int64)
        names = [str(np.datetime64("1858-11-17") + day) for day in days]  # day 0 of MJD
        words = "the night of" if len(names) == 1 else "the nights of"
    else:
        names = [str(int(night) + 1) for night in nights]
        words = "night" if len(names) == 1 else "nights"
    listed = names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
    return f"{words} {listed}"


def _amount(attribution: Attribution, target: NDArray[np.bool_]) -> str:
    """Say where the odds begin and end and, where sums mean something, what each part does."""
    method = METHODS[attribution.method]
    if not method.signed:
        return ""
    end = float(attribution.meta["score"])
    start = end - attribution.explained
    rival = "" if attribution.against is None else f" rather than {attribution.against}"
    words = (
        f"From {BASELINE_WORDS[attribution.baseline]} to the images, the odds of "
        f"{attribution.target}{rival} go from {_odds(start)} to {_odds(end)}"
    )
    if method.complete:
        total = attribution.values.sum(0, dtype=np.float64)
        inside, outside = float(total[target].sum()), float(total[~target].sum())
        verb = "what lies at the target multiplies them by"
        words += f": {verb} {_factor(inside)}, all else by {_factor(outside)}"
    if start > 0 and end > 0:
        called = f"it would be called {attribution.target}{rival} ({_odds(start)})"
        words += f". Already {_WITHOUT[attribution.baseline].format(called)}"
    return f"{words}."


def _odds(log_odds: float) -> str:
    """Write odds as a ratio whose smaller side is 1."""
    size = abs(log_odds)
    ratio = "over 10 000" if size > np.log(1e4) else f"{np.exp(size):.3g}"
    return f"{ratio} : 1" if log_odds >= 0 else f"1 : {ratio}"


def _factor(log_odds: float) -> str:
    return f"{np.exp(np.clip(log_odds, -50.0, 50.0)):.3g}"


def _percent(share: float) -> str:
    return f"{100 * share:.0f} %"


def _angle(pixels: float, sequence: ImageSequence) -> str:
    scale = known_number(sequence.meta, "pixel_scale", 0.0)
    return f"{pixels * scale:.1f}″" if scale > 0 else f"{pixels:.1f} px"


def _still_image(attribution: Attribution, sequence: ImageSequence) -> NDArray[np.float32]:
    """Average the references, or the frames read, without sky, shape (H, W); 0 in holes.

    The mean of the middle half of the values of a pixel: what flares up on fewer than a quarter
    of the frames leaves no trace, and whole counts do not show as steps.
    """
    stack = sequence.frames if sequence.reference is None else sequence.reference
    frames = mark_missing(stack[attribution.night_of_frame >= 0])
    frames = frames[np.isfinite(frames).any((1, 2))]
    known = np.isfinite(frames).any(0)
    if not known.any():
        return np.zeros(stack.shape[1:], dtype=np.float32)
    values = frames[:, known] - np.nanmedian(frames, (1, 2))[:, None]
    values = np.sort(np.where(np.isfinite(values), values, np.nanmedian(values, 0)), 0)
    cut = len(values) // 4
    image = np.zeros(frames.shape[1:], dtype=np.float32)
    image[known] = values[cut : len(values) - cut].mean(0)
    return image


def _extended_source(
    image: NDArray[np.float32], sequence: ImageSequence, target: tuple[float, float]
) -> NDArray[np.bool_]:
    """Mark the sources wider than a star that begin within the radius of the target."""
    from photutils.segmentation import detect_sources
    from photutils.utils.exceptions import NoDetectionsWarning
    from scipy.ndimage import gaussian_filter

    fwhm = stellar_fwhm(sequence)
    smooth = gaussian_filter(image, fwhm / 2.3548)
    noise = (
        float(np.median(np.abs(smooth - np.median(smooth)))) / 0.6745
    )  # of a normal distribution
    found = np.zeros(image.shape, dtype=bool)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", NoDetectionsWarning)  # an empty field is no fault
        segments = detect_sources(smooth, LEVEL * noise, LEAST_PIXELS) if noise > 0 else None
    if segments is None:
        return found
    sources = np.where(segments.data > 0, _peak_above(smooth), 0)
    rows, columns = np.indices(image.shape)
    near = np.hypot(columns - target[0], rows - target[1]) <= RADIUS_FWHM * fwhm
    for number in np.unique(sources[near & (sources > 0)]):
        mask = sources == number
        if _width(image, mask) > EXTENDED * fwhm:
            found |= mask
    return found


def _peak_above(smooth: NDArray[np.float32]) -> NDArray[np.int64]:
    """Return the number of the peak that going uphill ends on, for each pixel, shape (H, W).

    It parts sources that touch; photutils would need scikit-image for it.
    """
    padded = np.pad(smooth, 1, constant_values=-np.inf)
    around = np.lib.stride_tricks.sliding_window_view(padded, (3, 3)).reshape(*smooth.shape, 9)
    rows, columns = np.indices(smooth.shape)
    step = around.argmax(2)
    uphill = (rows + step // 3 - 1) * smooth.shape[1] + columns + step % 3 - 1
    peak, further = uphill.ravel(), uphill.ravel()[uphill.ravel()]
    while (peak != further).any():
        peak, further = further, further[further]
    return peak.reshape(smooth.shape) + 1


def _width(image: NDArray[np.float32], mask: NDArray[np.bool_]) -> float:
    """FWHM of a Gaussian with the second moments of the light in a mask, pixels."""
    rows, columns = np.nonzero(mask)
    light = np.clip(image[mask], 0, None).astype(np.float64)
    if not light.any():
        return 0.0
    light /= light.sum()
    square = sum(light @ (axis - light @ axis) ** 2 for axis in (rows, columns))
    return 2.3548 * float(np.sqrt(square / 2))
