"""Ten labelled objects a class: what a network of one survey learns of another.

One command draws sequences of the other survey, adapts the model to several draws of a few
objects a class, measures it on objects drawn with another seed, writes
``docs/results/finetune.json`` and makes ``docs/finetune.md`` of it:

    python benchmarks/finetune.py --model taonet --survey ztf

Read two ways: in the survey's own pixels, and in pixels resampled to the scale that the model was
trained on. Trained two ways: the encoder frozen, and all of the network. Beside them stands what
the same objects teach a network that starts from nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from itertools import product
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import pandas as pd
import torch
import typer
from numpy.typing import NDArray

from taonet_core import console
from taonet_core.data.exports import write_json
from taonet_core.data.sequence import ImageSequence
from taonet_core.data.store import PackedNights
from taonet_core.finetune import HEAD, WHOLE, FewShots, adapt, draw_few
from taonet_core.labels import TransientClass
from taonet_core.metrics import f1_of_draws, stratified_draws
from taonet_core.models.batching import collate
from taonet_core.models.weights import ModelBundle, load_model
from taonet_core.simulation.draw import draw_object
from taonet_core.transforms.preprocess import Nights, stack_nights

#: How each way trains, and whether the encoder is frozen. A network that starts from nothing may
#: take larger steps, and more of them.
WAYS = {
    "encoder frozen": (HEAD, True),
    "all adapted": (WHOLE, False),
    "from nothing": (replace(WHOLE, epochs=60, learning_rate=2e-3), False),
}
REPEATS = 1000  # of the bootstrap
OWN = "own pixels"


def main(
    model: Annotated[str, typer.Option(help="Name or file of the model.")] = "taonet",
    survey: str = "ztf",
    per_class: Annotated[int, typer.Option(help="Objects of each class that teach.")] = 10,
    draws: Annotated[int, typer.Option(help="Draws of those objects.")] = 4,
    pool: Annotated[int, typer.Option(help="Objects of each class to draw from.")] = 30,
    test: Annotated[int, typer.Option(help="Objects of each class to measure on.")] = 60,
    seed: int = 30_261,
    output: Path = Path("docs/results/finetune.json"),
) -> None:
    """Measure few-shot adaptation."""
    torch.set_num_threads(1)
    bundle = load_model(model)
    few, catalog = drawn(bundle, survey, pool, seed)
    rest, truth = drawn(bundle, survey, test, seed + 1)
    rows = []
    for reading in few:
        ways = list(WAYS) if reading == OWN else [name for name in WAYS if name != "from nothing"]
        few_and_rest = (catalog, few[reading], truth, rest[reading])
        found = measure(bundle, *few_and_rest, ways, per_class, draws)
        rows += [{"pixels": reading, **row} for row in found]
    report = {
        "model": f"{bundle.name} {bundle.version}",
        "data": {"survey": survey, "seed": seed, "pool": pool, "test": test, "visibility": 0.5},
        "per_class": per_class,
        "draws": draws,
        "macro_f1": rows,
    }
    write_json(report, output)
    (output.parent.parent / "finetune.md").write_text(page(report), "utf-8")
    typer.echo(table(rows))


def drawn(
    bundle: ModelBundle, survey: str, per_class: int, seed: int
) -> tuple[dict[str, PackedNights], pd.DataFrame]:
    """Draw objects of each class, and read them in each of the ways.

    Returns
    -------
    nights : dict of str to PackedNights
        One entry a way of reading.
    catalog : DataFrame
        ``label``, ``ra`` and ``dec`` of each object.
    """
    nights: dict[str, list[Nights]] = {}
    rows = []
    with console.progress("drawn", total=per_class * len(bundle.classes)) as step:
        for label, index in product(bundle.classes, range(per_class)):
            sequence = draw_object(label, survey=survey, seed=seed, index=index)
            rows.append({key: sequence.meta[key] for key in ("label", "ra", "dec")})
            for name, change in readings(bundle).items():
                read = stack_nights(change(sequence), bundle.preprocess)
                nights.setdefault(name, []).append(read)
            step()
    return {name: packed(found) for name, found in nights.items()}, pd.DataFrame(rows)


def readings(bundle: ModelBundle) -> dict[str, Callable[[ImageSequence], ImageSequence]]:
    """Return the ways to bring a sequence of another pixel scale before the model."""
    scale = bundle.sidecar["domain"]["pixel_scale"]
    return {
        OWN: lambda sequence: sequence,
        f"resampled to {scale}″": partial(resampled, scale=scale),
    }


def resampled(sequence: ImageSequence, *, scale: float) -> ImageSequence:
    """Return a sequence in larger pixels, each the sum of what it covers.

    Parameters
    ----------
    sequence : ImageSequence
        With its ``pixel_scale`` in the metadata.
    scale : float
        Arcsec a pixel wanted, not below that of the sequence.
    """
    ratio = scale / float(sequence.meta["pixel_scale"])
    rows, columns = (overlaps(side, ratio) for side in sequence.frames.shape[1:])
    frames = (rows @ sequence.frames @ columns.T).astype(np.float32)
    known = dict(sequence.meta) | {"pixel_scale": scale}
    return ImageSequence(frames, sequence.times, None, known, dict(sequence.columns))


def overlaps(size: int, ratio: float) -> NDArray[np.float64]:
    """Return how much of each pixel of a line falls into each larger one, shape (m, size).

    The middle pixel ``size // 2`` stays in the middle; pixels that stick out are left away.
    """
    edges = np.arange(size + 1) - size // 2 - 0.5
    half = int((min(-edges[0], edges[-1]) / ratio) - 0.5)
    wanted = ratio * (np.arange(2 * half + 2) - half - 0.5)
    high = np.minimum(wanted[1:, None], edges[None, 1:])
    low = np.maximum(wanted[:-1, None], edges[None, :-1])
    return np.clip(high - low, 0, None)


def packed(nights: list[Nights]) -> PackedNights:
    """Put the nights of many objects into one array, as training keeps them."""
    return PackedNights(
        np.concatenate([n.images for n in nights]).astype(np.float16),
        np.concatenate([n.times for n in nights]),
        np.cumsum([0, *map(len, nights)]),
        np.arange(len(nights)),
    )


def measure(
    bundle: ModelBundle,
    catalog: pd.DataFrame,
    few: PackedNights,
    tested: pd.DataFrame,
    rest: PackedNights,
    ways: Sequence[str],
    per_class: int,
    draws: int,
) -> list[dict[str, Any]]:
    """Score the model as it is, and after each of some ways of training."""
    labels, truth = (
        np.array([bundle.classes.index(TransientClass(c)) for c in table["label"]])
        for table in (catalog, tested)
    )
    before = verdicts_of(bundle.model, rest)
    verdicts: dict[str, list[NDArray[np.int64]]] = {"before": [before]}
    for seed, name in product(range(draws), ways):
        taught, _ = draw_few(catalog, per_class, np.random.default_rng(seed))
        config, frozen = WAYS[name]
        task = FewShots(
            *(few, labels, taught),
            n_classes=len(bundle.classes),
            batch_size=config.batch_size,
            freeze_encoder=frozen,
        )
        torch.manual_seed(seed)
        fresh = type(bundle.model)(bundle.config)
        network = fresh if name == "from nothing" else bundle.model
        adapted = adapt(network, task, replace(config, seed=seed, precision="bf16"))
        verdicts.setdefault(name, []).append(verdicts_of(adapted, rest))
        console.say(f"{name}, draw {seed} of {draws}")
    return [{"way": name, **summary(truth, found, before)} for name, found in verdicts.items()]


def verdicts_of(model: torch.nn.Module, nights: PackedNights) -> NDArray[np.int64]:
    """Return the class of each object after its last night, shape (M,)."""
    found = []
    with torch.inference_mode():
        for i in range(len(nights)):
            images, times = nights.nights(i)
            batch = collate([images], [times])
            found.append(int(model(batch.frames, batch.mask, batch.times)[0, -1].argmax()))
    return np.array(found)


def summary(
    truth: NDArray[np.int64], found: list[NDArray[np.int64]], before: NDArray[np.int64]
) -> dict[str, Any]:
    """Mean macro F1 over the draws and what it gained, with intervals over draws and objects."""
    rng = np.random.default_rng(0)
    draws = stratified_draws(truth, rng=rng, repeats=REPEATS)
    weights = np.concatenate([np.ones((1, len(truth))), draws])  # the first as they are
    scores, base = (
        np.array([macro_f1(truth, verdicts, weights) for verdicts in each])
        for each in (found, [before])
    )  # (draws, 1 + REPEATS)
    again = rng.integers(len(found), size=scores.shape)
    again[:, 0] = np.arange(len(found))
    mean = np.take_along_axis(scores, again, axis=0).mean(0)
    each = [round(score, 4) for score in scores[:, 0].tolist()]
    return {**interval(mean), "draws": each, "gain": interval(mean - base[0])}


def interval(values: NDArray[np.float64]) -> dict[str, float]:
    """Return the first of some values, and the 95 % range of the rest."""
    low, high = np.quantile(values[1:], [0.025, 0.975]).tolist()
    return {"value": round(float(values[0]), 4), "low": round(low, 4), "high": round(high, 4)}


def macro_f1(
    truth: NDArray[np.int64], verdicts: NDArray[np.int64], weights: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Mean F1 over the classes for each set of weights (R, M) of the objects, shape (R,)."""
    return f1_of_draws(weights, truth, verdicts, int(truth.max()) + 1).mean(1)


def page(report: dict[str, Any]) -> str:
    """Return ``docs/finetune.md``."""
    data, scores = report["data"], table(report["macro_f1"])
    return f"""# A few objects of another survey

```sh
taonet finetune taonet DATA --output FOLDER
```

takes ten labelled sequences of each class from DATA (`--per-class`), adapts a trained network to
them, and writes it as a model of its own with a sidecar that names the model it came from. The
other sequences of DATA teach nothing: they tell the macro F1 before and after. The encoder of
images stays as it was, to the last bit, unless `--no-freeze-encoder` is given.

Measured by `python benchmarks/finetune.py` with `{report["model"]}`, trained on simulated CRTS
sequences, and {report["per_class"]} objects a class of the preset `{data["survey"]}`, drawn
{report["draws"]} times from {data["pool"]}; macro F1 is of {data["test"]} others of each class, the
mean over the draws, with a 95 % bootstrap interval over draws and test objects.

{scores}

*Own pixels* are frames as the survey takes them, whose stars are nearly as many pixels wide as
those of CRTS. Resampled to the pixels of CRTS, the cutout is smaller and its stars narrower than
any that the network has met; so `taonet` reads every survey in its own pixels. *From nothing* is
the same network trained on the same objects alone.
"""


def table(rows: list[dict[str, Any]]) -> str:
    """Lay out the figures."""
    lines = [
        "| read in | network | macro F1 [95 %] | gain [95 %] | each draw |",
        "|---|---|---|---|---|",
    ]
    for row in rows:
        gain, each = row["gain"], " ".join(f"{value:.3f}" for value in row["draws"])
        won = f"{gain['value']:+.3f} [{gain['low']:+.3f}, {gain['high']:+.3f}]"
        first = row["way"] == "before"
        lines.append(
            f"| {row['pixels']} | {row['way']} | {row['value']:.3f} [{row['low']:.3f}, "
            f"{row['high']:.3f}] | {'' if first else won} | {'' if first else each} |"
        )
    return "\n".join(lines)


if __name__ == "__main__":
    typer.run(main)
