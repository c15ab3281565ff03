"""Write a whole data set of simulated sequences."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from taonet_core import __version__
from taonet_core.data.atomic import replacing
from taonet_core.labels import SIX_CLASSES, TransientClass
from taonet_core.simulation.deep_tao import write_deep_tao
from taonet_core.simulation.draw import draw_stored
from taonet_core.simulation.presets import get_survey
from taonet_core.simulation.survey import Survey


def simulate_dataset(
    output: str | Path,
    *,
    survey: str | Survey = "crts",
    per_class: int = 100,
    visibility: float = 0.5,
    seed: int = 0,
    workers: int = 1,
    classes: Sequence[TransientClass | str] = SIX_CLASSES,
    on_object: Callable[[int, int], None] | None = None,
) -> Path:
    """Write a data set as the DEEP-TAO release lays it out, and ``dataset.json``: how it was made.

    Parameters
    ----------
    output : path
        Folder; files go to ``output/data/<CLASS>/<id>.fits`` and replace those of the same name.
    survey : str or Survey
        Preset name or a survey of one's own.
    per_class : int
        Objects of each class.
    visibility : float
        Share of events whose discovery epoch lies in the window.
    seed : int
        Which universe.
    workers : int
        Processes; the files are the same for any number.
    classes : sequence of TransientClass
        Which classes to draw.
    on_object : callable, optional
        Called with (objects done, objects in all) as the work goes on.

    Returns
    -------
    Path
        `output`.

    Raises
    ------
    ValueError
        If a class, survey, number or share makes no sense.
    """
    output, survey = Path(output), get_survey(survey)
    if per_class < 1 or workers < 1:
        raise ValueError(f"per_class and workers must be 1 or more; got {per_class}, {workers}")
    labels = [TransientClass(name) for name in classes]
    for label in labels:
        (output / "data" / label).mkdir(parents=True, exist_ok=True)
    jobs = [
        (output, label, survey, visibility, seed, index)
        for label in labels
        for index in range(per_class)
    ]
    for done, _ in enumerate(_run(jobs, workers), start=1):
        if on_object is not None:
            on_object(done, len(jobs))
    made = {
        "simulated": True,
        "survey": survey.name,
        "classes": labels,
        "per_class": per_class,
        "visibility": visibility,
        "seed": seed,
        "version": __version__,
    }
    with replacing(output / "dataset.json") as temporary:
        temporary.write_text(json.dumps(made, indent=2) + "\n")
    return output


def _run(jobs: list[tuple[Any, ...]], workers: int) -> Iterator[None]:
    if workers == 1:
        yield from map(_write_object, jobs)
        return
    # Spawned, not forked: the caller may hold threads (a progress bar, PyTorch).
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
        yield from pool.map(_write_object, jobs, chunksize=8)


def _write_object(job: tuple[Path, TransientClass, Survey, float, int, int]) -> None:
    output, label, survey, visibility, seed, index = job
    sequence = draw_stored(label, survey=survey, visibility=visibility, seed=seed, index=index)
    path = output / "data" / label / f"{sequence.object_id}.fits"
    write_deep_tao(sequence, path, sequence.meta["header"])
