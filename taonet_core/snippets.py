"""The code that reproduces what a page shows, in Python and on the command line."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from taonet_core.models import DEFAULT_MODEL
from taonet_core.plain_text import literal, shell_word


@dataclass(frozen=True)
class Recipe:
    """How a set of simulated objects was drawn, as its ``dataset.json`` says.

    Attributes
    ----------
    survey : str
    per_class, seed : int
    visibility : float
    label : str
        Class of the object at hand.
    """

    survey: str
    per_class: int
    visibility: float
    seed: int
    label: str


@dataclass(frozen=True)
class Shown:
    """What is on screen.

    Attributes
    ----------
    object_id : str
    file : str
        Where the object was read, as its owner knows the file; unused with a recipe.
    model : str
        Classifier looked at.
    images : bool
        Whether there are images; else a light curve alone.
    several : bool
        Whether `file` holds more than this object: a folder, an archive, a table.
    member : str
        Which of the sequences of `file` it is, as `read_sequences` names them, where that is an
        archive.
    night, row : int, optional
        Night of the object at the cursor, from 1, and the row of the probabilities known by then:
        a model need not have read every night.
    priors : mapping of str to float
        Shares of the classes, where they were set.
    why : mapping, optional
        Arguments of `taonet_core.explain.explain`, where an explanation is shown; its ``model`` is
        `model` where not given.
    recipe : Recipe, optional
        How a simulated object was drawn.
    """

    object_id: str
    file: str = ""
    model: str = DEFAULT_MODEL
    images: bool = True
    several: bool = False
    member: str = ""
    night: int | None = None
    row: int | None = None
    priors: Mapping[str, float] = field(default_factory=dict)
    why: Mapping[str, Any] | None = None
    recipe: Recipe | None = None


def python_code(shown: Shown) -> str:
    """Return a Python script that prints what is shown.

    Parameters
    ----------
    shown : Shown
    """
    imports, made = _source(shown)
    public = ["predict", *(["extract_light_curve"] if shown.images else [])]
    priors = f", priors={dict(shown.priors)!r}" if shown.priors else ""
    lines = [
        *made,
        "",
        f"prediction = predict(source, {literal(shown.model)}{priors})",
        "print(prediction.verdict, prediction.confidence)  # after the last night",
    ]
    if shown.row is not None:
        lines += [
            f"known = prediction.probabilities[{shown.row}]  # at the cursor: night {shown.night}",
            "for name, probability in zip(prediction.classes, known):",
            "    print(name, f'{probability:.3f}')",
        ]
    lines.append(f"print({'extract_light_curve(source)' if shown.images else 'source'}.to_table())")
    if shown.why is not None:
        imports.append("from taonet_core.explain import explain")
        why = {"model": shown.model, **shown.why}
        lines += [
            "",
            "attribution = explain(",
            "    source,",
            *(f"    {name}={value!r}," for name, value in why.items()),
            ")",
            "print(attribution.importance.round(3))  # share of the evidence, night by night",
        ]
    if not shown.recipe and not shown.several:
        public.append("read_sequences" if shown.member else "read_sequence")
    imports.insert(0, f"from taonet_core import {', '.join(sorted(public))}")
    return "\n".join([*sorted(imports), "", *lines])


def shell_code(shown: Shown) -> str:
    """Return the commands that print the same verdict.

    Parameters
    ----------
    shown : Shown
    """
    lines, path = [], shown.file
    if shown.recipe is not None:
        recipe = shown.recipe
        lines.append(
            f"taonet simulate --per-class {recipe.per_class} --survey {shell_word(recipe.survey)} "
            f"\\\n    --visibility {recipe.visibility} --seed {recipe.seed} --output demo"
        )
        path = f"demo/data/{recipe.label}/{shown.object_id}.fits"
    words = ["taonet", "predict", _no_option(path)]
    words += ["--model", shown.model]
    for name, share in shown.priors.items():
        words += ["--prior", f"{name}={share:g}"]
    lines.append(_command([*words, "--output", "verdict.csv"]))
    if shown.why is not None:
        lines += ["# once the archive is unpacked:"] if shown.member else []
        path = _no_option(shown.member) if shown.member else words[2]
        lines.append(_explain_command(path, shown.model, shown.why))
    return "\n".join(lines)


def _command(words: Sequence[str]) -> str:
    return " ".join(map(shell_word, words))


def _no_option(path: str) -> str:
    """Return a path that is not read as an option, though it begin with a dash."""
    return f"./{path}" if path.startswith("-") else path


def _explain_command(path: str, model: str, why: Mapping[str, Any]) -> str:
    words = ["taonet", "explain", path]
    for name, value in {"model": model, **why}.items():
        words += [] if value is None else [f"--{name}", str(value)]
    return _command([*words, "--output", "evidence.fits"])


def _source(shown: Shown) -> tuple[list[str], list[str]]:
    """Return the imports and the lines that make ``source``."""
    if shown.recipe is not None:
        recipe = shown.recipe
        return ["from taonet_core.simulation.draw import draw_object"], [
            f"how = dict(survey={literal(recipe.survey)}, visibility={recipe.visibility!r}, "
            f"seed={recipe.seed!r})",
            f"numbers = range({recipe.per_class!r})",
            f"objects = (draw_object({literal(recipe.label)}, index=i, **how) for i in numbers)",
            f"source = next(s for s in objects if s.object_id == {literal(shown.object_id)})",
        ]
    file, name = literal(shown.file), literal(shown.object_id)
    if shown.several:
        return ["from taonet_core.bulk import read_objects"], [
            f"objects = [o for _, o in read_objects({file}) if hasattr(o, 'meta')]",
            f"source = next(s for s in objects if s.meta['object_id'] == {name})",
        ]
    if shown.member:
        return [], [f"source = dict(read_sequences({file}))[{literal(shown.member)}]"]
    return [], [f"source = read_sequence({file})"]
