"""Evidence of a classifier laid over the frames: for the epoch viewer, and for pictures."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from taonet_core.data.results import Attribution
from taonet_core.data.sequence import ImageSequence, crop_or_pad
from taonet_core.drawing.packed import content_key, packed
from taonet_core.transforms.display import bounded_for_display

#: Colours of evidence for and against, red, green and blue, 0 to 255.
FOR, AGAINST = (255, 106, 26), (34, 126, 255)
_BRIGHT = 99.8  # percentile of the evidence that is drawn in full colour


def attribution_overlay(attribution: Attribution, sequence: ImageSequence) -> dict[str, Any]:
    """Gather what the epoch viewer lays over the frames of a sequence.

    Parameters
    ----------
    attribution : Attribution
        Of the square around the middle pixel that the network reads.
    sequence : ImageSequence
        The one that was explained, as it is given to `viewer_payload`.

    Returns
    -------
    dict
        JSON-ready. ``values`` : base64 of float32, one map (``size``, ``size``) a night, first row
        at the bottom; ``left``, ``bottom`` : pixel of the frames shown on which its first pixel
        lies. ``night_of_frame`` : map of each frame shown, -1 where it was not read.
        ``limit`` : the value drawn in full colour, one for all nights. ``sums`` and ``shares`` of
        the nights; ``unit``; ``positive`` and ``negative``: what the signs speak for; ``title``.
        ``key`` is a hash of the rest.
    """
    shown_sequence, kept, _ = bounded_for_display(sequence)
    night_of_frame = np.asarray(attribution.night_of_frame)[kept]
    nights, place = np.unique(night_of_frame[night_of_frame >= 0], return_inverse=True)
    shown = np.full(len(kept), -1, dtype=np.int64)
    shown[night_of_frame >= 0] = place
    values = np.nan_to_num(attribution.values[nights])
    target, against = str(attribution.target), attribution.against
    method = attribution.method.replace("_", " ")
    subject = target if against is None else f"{target} rather than {against}"
    model = f"{attribution.model} {attribution.model_version}"
    # frames too large to be shown are cut around the same middle pixel
    sides = zip(sequence.frames.shape[1:], shown_sequence.frames.shape[1:], strict=True)
    cut_rows, cut_columns = (whole // 2 - side // 2 for whole, side in sides)
    overlay = {
        "model": attribution.model,
        "signed": attribution.signed,
        "size": values.shape[-1],
        "left": int(attribution.meta["left"]) - cut_columns,
        "bottom": int(attribution.meta["top"]) - cut_rows,
        "values": packed(values.astype(np.float32)),
        "limit": evidence_limit(values),
        "night_of_frame": shown.tolist(),
        "sums": np.nan_to_num(attribution.per_night[nights]).tolist(),
        "shares": np.nan_to_num(attribution.importance[nights]).tolist(),
        "unit": "log-odds",
        "positive": f"for {target}",
        "negative": f"against {target}" if against is None else f"for {against}",
        "title": f"Evidence for {subject}: {method}, {model}",
    }
    return {"key": content_key(overlay), **overlay}


def evidence_on_frames(attribution: Attribution, sequence: ImageSequence) -> NDArray[np.float32]:
    """Return the maps on whole frames of the sequence, 0 beyond them, shape (N, H, W)."""
    height, width = sequence.frames.shape[1:]
    left, top = attribution.meta["left"], attribution.meta["top"]
    return np.nan_to_num(crop_or_pad(attribution.values, -top, -left, height, width))


def over_grey(grey: NDArray[np.uint8], values: NDArray[np.floating]) -> NDArray[np.uint8]:
    """Return a grey image (H, W) under evidence from -1 to 1, which is transparent at 0."""
    ground = np.repeat(grey[..., None], 3, axis=-1).astype(float)
    ends = np.where(values[..., None] > 0, FOR, AGAINST)
    share = np.clip(np.abs(values), 0, 1)[..., None]
    return np.round(ground + share * (ends - ground)).astype(np.uint8)


def evidence_limit(values: NDArray[np.floating]) -> float:
    """Return the value drawn in full colour: few pixels are above it, and it is never zero."""
    size = np.abs(values)
    most = float(size.max(initial=0.0))
    return float(np.percentile(size, _BRIGHT)) or most or 1.0 if size.size else 1.0
