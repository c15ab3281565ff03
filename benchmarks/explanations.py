"""Can explanations be trusted? Every method on every image model, against limits set beforehand.

On simulated objects that no model has seen: is the sum of the evidence what it explains
(completeness); does the probability fall when the places that a method marks are blanked, and rise
when they come first, faster than in random order (deletion, insertion); do the maps change when the
weights are shuffled (Adebayo et al. 2018, arXiv 1810.03292); does the evidence for SN lie on the
supernova (pointing). The limits stand in `taonet_core/explaining/method_checks.py`.

    python benchmarks/explanations.py --page docs/explanations.md

writes ``docs/results/explanations.json``, the tables of the page, and what was found into the
sidecar of each model, where `taonet_core.explain.method_checks` finds it. For light-curve models it
measures the features of known objects, which `explain_features` compares with.
"""

from __future__ import annotations

import copy
import json
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import torch
import typer
from page_block import replace_block
from scipy.stats import spearmanr
from supernova_pointing import bright_supernovae, injected, pointing

from taonet_core import console
from taonet_core.data.exports import write_json
from taonet_core.data.sequence import ImageSequence
from taonet_core.explain import (
    BASELINES,
    METHODS,
    explain,
    faithfulness,
)
from taonet_core.explaining.feature_importance import feature_names, feature_rows
from taonet_core.explaining.method_checks import LIMITS, judge
from taonet_core.explaining.methods import Score
from taonet_core.labels import SIX_CLASSES, TransientClass
from taonet_core.models import CURVE_KINDS
from taonet_core.models.sidecar import extend_sidecar
from taonet_core.models.weights import ModelBundle, available_models, load_model, sidecar_path
from taonet_core.outputs import curve_nights
from taonet_core.simulation.draw import draw_object
from taonet_core.transforms.preprocess import stack_nights

#: Quantities of the default method that put it in proportion, and their headings.
_CONTROLS = {
    "deletion": "deletion",
    "nearest_deletion": "nearest first",
    "insertion": "insertion",
    "nearest_insertion": "nearest first",
    "pointing_net": "pointing, net",
    "night_by_chance": "night by chance",
    "at_on_source": "at: on source",
    "at_log_odds": "at: log-odds",
    "beside_on_source": "beside: on source",
    "beside_on_target": "beside: on target",
    "beside_log_odds": "beside: log-odds",
}
#: Known objects of each class that `explain_features` compares with.
KNOWN = 8


def main(
    model: Annotated[list[str] | None, typer.Option(help="Default: all that ship.")] = None,
    per_class: Annotated[int, typer.Option(help="Objects of each class.")] = 10,
    supernovae: Annotated[int, typer.Option(help="Bright supernovae to point at.")] = 40,
    method: Annotated[
        list[str] | None, typer.Option(help="Default: all. With some only, no model is marked.")
    ] = None,
    output: Path = Path("docs/results/explanations.json"),
    page: Annotated[Path | None, typer.Option(help="Page whose tables are replaced.")] = None,
    sky: Annotated[bool, typer.Option(help="Only ask what models call an empty sky.")] = False,
    seed: int = 4104,
) -> None:
    """Check the explanations of models; other models measured before stay."""
    torch.set_num_threads(1)
    if sky:
        return say_empty_sky(model or available_models(), per_class, seed)
    report: dict[str, Any] = json.loads(output.read_text()) if output.exists() else {"models": {}}
    report["limits"] = dict(LIMITS)
    for name in model or available_models():
        bundle = load_model(name)
        data = {"seed": seed, "per_class": per_class, "supernovae": supernovae, "survey": "crts"}
        if bundle.kind in CURVE_KINDS:
            found = {"background": known_features(bundle, seed)}
        else:
            objects = [draw(label, seed, i) for label in SIX_CLASSES for i in range(per_class)]
            bright = bright_supernovae(seed + 1, supernovae)
            found = {"data": data, **measure(bundle, objects, bright, method or list(METHODS))}
            found["injected"] = injected(bundle, seed + 3, supernovae // 2, next(iter(METHODS)))
            report["models"][bundle.name] = found
            write_json(report, output)
            marks = {"methods": {key: means["all"] for key, means in found["methods"].items()}}
            found = {"data": data, **marks}
        if not method:  # marks are for all methods, measured on the same objects
            extend_sidecar(sidecar_path(name), {"explanations": found})
    for name, table in tables(report).items():
        typer.echo(f"{table}\n")
        if page is not None:
            replace_block(page, name, table)


def say_empty_sky(models: list[str], per_class: int, seed: int) -> None:
    """Say what image models call nights on which nothing is, with the times and noise of real ones.

    Parameters
    ----------
    models : list of str
    per_class : int
        Objects of each class whose nights are emptied.
    seed : int
    """
    for bundle in map(load_model, models):
        if bundle.kind in CURVE_KINDS:
            continue
        found = []
        for label in SIX_CLASSES:
            for i in range(per_class):
                score = Score(bundle, stack_nights(draw(label, seed, i), bundle.preprocess))
                found.append(score.probabilities(torch.zeros_like(score.frames))[0].numpy())
        middle = np.median(found, axis=0)
        most = int(middle.argmax())
        low, high = np.percentile([row[most] for row in found], [5, 95])
        typer.echo(
            f"{bundle.name} calls {len(found)} empty skies {bundle.classes[most]}: probability "
            f"{middle[most]:.2f} (median; {low:.2f} to {high:.2f} for nine in ten)"
        )


def draw(label: TransientClass, seed: int, index: int) -> ImageSequence:
    """Draw an object whose outburst lies in the images."""
    return draw_object(label, visibility=1.0, seed=seed, index=index)


def known_features(bundle: ModelBundle, seed: int) -> dict[str, Any]:
    """Measure the features of known objects, the same number of every class."""
    curves = []
    for label in SIX_CLASSES:
        for i in range(KNOWN):
            sequence = draw_object(label, seed=seed + 2, index=i)
            curves.append(curve_nights(sequence, bundle).curve)
    rows = feature_rows(bundle, curves)
    lines = [" ".join(f"{value:.6g}" for value in row) for row in rows]
    return {"names": list(feature_names(bundle)), "rows": lines, "seed": seed + 2}


def measure(
    bundle: ModelBundle,
    objects: list[ImageSequence],
    bright: list[ImageSequence],
    methods: list[str],
) -> dict[str, Any]:
    """Measure every method with its default baseline, and the default method with the others."""
    default, *others = BASELINES
    shuffled = replace(bundle, model=shuffle(bundle.model))
    found: dict[str, Any] = {"methods": {}, "baselines": {}}
    controls: dict[tuple[int, str], Any] = {}
    runs = [("methods", key, default) for key in methods]
    if len(methods) == len(METHODS):
        runs += [("baselines", key, key) for key in others]
    with console.progress(f"checks on {bundle.name}", total=len(runs) * len(objects)) as step:
        for group, key, baseline in runs:
            method = key if group == "methods" else next(iter(METHODS))
            rows = []
            for i, sequence in enumerate(objects):
                rows.append(check(sequence, bundle, method, baseline, controls, i))
                step()
            everything = means(rows) | pointing(bundle, bright, method, baseline)
            if group == "methods":
                everything["randomised"] = randomised(bundle, shuffled, objects[::3], method)
            found[group][key] = {"all": everything} | {
                str(name): means([row for row in rows if row["verdict"] == name])
                for name in bundle.classes
                if any(row["verdict"] == name for row in rows)
            }
    return found


def check(
    sequence: ImageSequence,
    bundle: ModelBundle,
    method: str,
    baseline: str,
    controls: dict[tuple[int, str], Any],
    number: int,
) -> dict[str, Any]:
    """Measure completeness and faithfulness of the explanation of one verdict."""
    start = time.process_time()
    found = explain(sequence, bundle, method=method, baseline=baseline)
    seconds = time.process_time() - start  # of one core, whatever else runs
    curves = faithfulness(
        sequence, bundle, found, seed=number, controls=controls.get((number, baseline))
    )
    controls[number, baseline] = curves
    row = {
        "verdict": found.target,
        "deletion": curves.deletion_gain,
        "insertion": curves.insertion_gain,
        "nearest_deletion": curves.nearest_deletion_gain,
        "nearest_insertion": curves.nearest_insertion_gain,
        "seconds": seconds,
        "nights": len(found.times),
    }
    if METHODS[method].complete:
        row["completeness"] = abs(found.delta) / max(abs(found.explained), 1.0)
    return row


def means(rows: list[dict[str, Any]]) -> dict[str, float]:
    """Average over objects; of the completeness, the median."""
    result: dict[str, float] = {"objects": len(rows)}
    for key in rows[0]:
        if key != "verdict":
            average = np.median if key == "completeness" else np.mean
            result[key] = float(average([row[key] for row in rows]))
    return result


def shuffle(model: torch.nn.Module) -> torch.nn.Module:
    """Return a copy whose weights were permuted within every array."""
    generator = torch.Generator().manual_seed(0)
    shuffled = copy.deepcopy(model)
    for weights in shuffled.parameters():
        order = torch.randperm(weights.numel(), generator=generator)
        weights.data = weights.data.flatten()[order].view_as(weights)
    return shuffled


def randomised(
    bundle: ModelBundle, shuffled: ModelBundle, objects: list[ImageSequence], method: str
) -> float:
    """Return the mean rank correlation of maps with those of a shuffled network."""
    correlations = []
    for sequence in objects:
        true = explain(sequence, bundle, method=method)
        other = explain(sequence, shuffled, target=true.target, method=method)
        correlations.append(spearmanr(true.values.ravel(), other.values.ravel()).statistic)
    return float(np.mean(np.nan_to_num(correlations)))  # a map of zeros is like nothing


def tables(report: dict[str, Any]) -> dict[str, str]:
    """Lay the figures out as the Markdown tables of the page."""
    columns = (*LIMITS, "night seen", "seconds")
    keys = (*LIMITS, "night_visible", "seconds")
    baselines, controls = [], []
    for name, measured in report["models"].items():
        for baseline, found in measured["baselines"].items():
            baselines.append((name, baseline, *numbers(found["all"], keys)))
        found = measured["methods"][next(iter(METHODS))]["all"] | measured["injected"]
        controls.append((name, *numbers(found, tuple(_CONTROLS))))
    return {
        "checks": markdown(("model", "method", *columns, "verdict"), checks(report)),
        "baselines": markdown(("model", "baseline", *columns), baselines),
        "controls": markdown(("model", *_CONTROLS.values()), controls),
    }


def checks(report: dict[str, Any]) -> Iterator[tuple[str, ...]]:
    """Yield the rows of the main table."""
    for name, measured in report["models"].items():
        for key, found in measured["methods"].items():
            verdict = judge(found["all"])
            cells = numbers(found["all"], (*LIMITS, "night_visible", "seconds"))
            yield name, METHODS[key].name, *cells, "passed" if verdict.passed else verdict.reason


def numbers(found: dict[str, float], keys: tuple[str, ...]) -> list[str]:
    """Write numbers out; nothing where one does not apply."""
    return [f"{found[key]:.2f}" if key in found else "" for key in keys]


def markdown(head: tuple[str, ...], rows: Any) -> str:
    """Lay out a table."""
    lines = [" | ".join(head), "|".join(["---"] * len(head)), *(" | ".join(row) for row in rows)]
    return "\n".join(f"| {line} |" for line in lines)


if __name__ == "__main__":
    typer.run(main)
