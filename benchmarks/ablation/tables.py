"""From what the variants say of the test objects to figures with intervals, and to a page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ablation.training import AFTER
from ablation.variants import IMBALANCE, LEANING, PARTS, RELEASE, SIZES, VARIANTS
from taonet_core.labels import SIX_CLASSES
from taonet_core.metrics import f1_of_draws, stratified_draws

Run = Mapping[str, Any]
_REPEATS = 1000
_SHARES = np.array([RELEASE[c] for c in SIX_CLASSES]) / sum(RELEASE.values())


def macro_f1(
    truth: NDArray[np.int64], verdicts: NDArray[np.int64], weights: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Mean F1 over the classes for each set of weights (R, M) of the objects, shape (R,)."""
    return f1_of_draws(weights, truth, verdicts, len(SIX_CLASSES)).mean(1)


def report(runs: Mapping[str, Sequence[Run]]) -> dict[str, Any]:
    """Return the figures of every variant that was run, one entry a seed in `runs`."""
    rows = {name: _row(name, found, runs["taonet"]) for name, found in runs.items()}
    for name in IMBALANCE:
        if name in runs:
            rows[name]["release"] = _imbalance(name, runs[name])
    several = [row["seeds"] for row in rows.values() if len(row["seeds"]) > 1]
    scatter = np.sqrt(np.mean([np.var(values, ddof=1) for values in several])) if several else None
    return {
        "seed_scatter": None if scatter is None else round(float(scatter), 4),
        "test_objects": len(runs["taonet"][0]["truth"]),
        "variants": rows,
    }


def _row(name: str, found: Sequence[Run], usual: Sequence[Run]) -> dict[str, Any]:
    """Figures of one variant; the interval is of the difference on the same test objects."""
    truth = found[0]["truth"]
    assert (truth == usual[0]["truth"]).all()
    draws = stratified_draws(truth, rng=np.random.default_rng(0), repeats=_REPEATS)
    weights = np.concatenate([np.ones((1, len(truth))), draws])  # the first as they are

    def f1(runs: Sequence[Run], after: int = -1) -> NDArray[np.float64]:
        verdicts = (run["logits"][:, after].argmax(-1) for run in runs)
        return np.array([macro_f1(truth, said, weights) for said in verdicts])

    scores = f1(found)  # (seeds, 1 + _REPEATS)
    gain = scores.mean(0) - f1(usual).mean(0)
    low, high = np.quantile(gain[1:], [0.025, 0.975]).tolist()
    return {
        "says": VARIANTS[name].says,
        "macro_f1": round(float(scores[:, 0].mean()), 4),
        "seeds": scores[:, 0].round(4).tolist(),
        "difference": {
            "value": round(float(gain[0]), 4),
            "low": round(low, 4),
            "high": round(high, 4),
        },
        "after_nights": {
            str(n): round(float(f1(found, i)[:, 0].mean()), 4) for i, n in enumerate(AFTER[:-1])
        },
        "train_objects": int(found[0]["train_objects"]),
        "epochs": int(found[0]["epochs"]),
        "parameters": int(found[0]["parameters"]),
        "processor_seconds": round(float(np.mean([run["processor_seconds"] for run in found]))),
    }


def _imbalance(name: str, found: Sequence[Run]) -> dict[str, float]:
    """Scores once the prior of the training is exchanged for that of the test objects.

    What leans to the frequent classes has learnt the shares of the release; all others have
    learnt equal shares.
    """
    truth, k = found[0]["truth"], len(SIX_CLASSES)
    learnt = _SHARES if name in LEANING else np.full(k, 1 / k)

    def f1(prior: NDArray[np.float64]) -> float:
        shift = np.log(prior) - np.log(learnt)
        weights = (prior / np.bincount(truth, minlength=k))[truth][None]
        verdicts = ((run["logits"][:, -1] + shift).argmax(-1) for run in found)
        return round(float(np.mean([macro_f1(truth, said, weights) for said in verdicts])), 4)

    return {"equal_shares": f1(np.full(k, 1 / k)), "release_shares": f1(_SHARES)}


# --- the page -------------------------------------------------------------------------------------


def page(figures: Mapping[str, Any]) -> str:
    """Return ``docs/ablations.md``."""
    rows = figures["variants"]
    scatter = figures["seed_scatter"]
    usual = rows["taonet"]
    by_seed = (
        "one seed each" if scatter is None else f"the scatter from seed to seed is {scatter:.3f}"
    )
    head = [
        "# What each part earns",
        "",
        "Made by `python benchmarks/ablations.py DATA`; one variant alone: `--variant NAME`. "
        "Every variant has the same budget, far below that of the shipped weights: "
        f"{figures['budget']['passes']:,} readings of a training object "
        f"({usual['train_objects']:,} objects, {usual['epochs']} epochs), the last epoch "
        f"counts, nothing is tuned. Macro F1 on {figures['test_objects']:,} other objects, "
        "equally many of each class, elsewhere on the sky; differences are from `taonet`, "
        f"with their 95 % bootstrap interval over the test objects; {by_seed}.",
    ]
    parts = ["", "## Parts of the network and of its training", "", *_parts_table(rows, PARTS)]
    sizes = {"taonet": PARTS["taonet"], **SIZES}
    curve = ["", "## More objects, as many readings", "", *_parts_table(rows, sizes)]
    rare = [
        "",
        "## Classes as rare as in the release",
        "",
        "Trained on objects with the shares of the DEEP-TAO release (three quarters are "
        "non-transients). *Equal*: macro F1 where all classes are equally frequent, first as "
        "the network says it, then with the prior exchanged at inference. *Release*: macro F1 "
        "where they have the shares of the release.",
        "",
        *_imbalance_table(rows),
    ]
    shown = [head, parts]
    shown += [curve] if rows.keys() & SIZES.keys() else []
    shown += [rare] if rows.keys() & IMBALANCE.keys() else []
    return "\n".join([line for section in shown for line in section]) + "\n"


def _parts_table(rows: Mapping[str, Any], names: Mapping[str, Any]) -> list[str]:
    lines = [
        "| `--variant` | | macro F1 | seeds | difference [95 %] | after 4 nights | after 8 "
        "| objects | parameters | minutes |",
        "|---|---|---|---|---|---|---|---|---|---|",
    ]
    for name in names:
        if name not in rows:
            continue
        row = rows[name]
        d, early = row["difference"], row["after_nights"]
        difference = f"{d['value']:+.3f} [{d['low']:+.3f}, {d['high']:+.3f}]"
        lines.append(
            f"| `{name}` | {row['says']} | {row['macro_f1']:.3f} | {len(row['seeds'])} "
            f"| {'' if name == 'taonet' else difference} | {early['4']:.3f} | {early['8']:.3f} "
            f"| {row['train_objects']:,} | {row['parameters']:,} "
            f"| {row['processor_seconds'] / 60:.1f} |"
        )
    return lines


def _imbalance_table(rows: Mapping[str, Any]) -> list[str]:
    lines = [
        "| `--variant` | | seeds | equal, as said | equal, prior exchanged | release |",
        "|---|---|---|---|---|---|",
    ]
    for name in IMBALANCE:
        if name in rows:
            row = rows[name]
            lines.append(
                f"| `{name}` | {row['says']} | {len(row['seeds'])} | {row['macro_f1']:.3f} "
                f"| {row['release']['equal_shares']:.3f} | {row['release']['release_shares']:.3f} |"
            )
    return lines
