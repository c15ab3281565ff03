"""Errors: which there are, in which order, what each was taken for, and which are one."""

import time

import numpy as np
import pandas as pd
import pytest

from taonet_core.data.catalog import COLUMNS
from taonet_core.judging.mistakes import collapse, describe, find_doubts, find_errors
from taonet_core.labels import SIX_CLASSES
from taonet_core.objects.overview import overview_table
from taonet_core.objects.verdicts import Verdicts


def said(rows, *, model="taonet", vectors=None, novelty=None):
    """Return verdicts of rows (name, label, verdict, probability); an empty verdict is none."""
    names = [str(name) for name in SIX_CLASSES]
    nights = []
    for _, _, verdict, chance in rows:
        if not verdict:
            nights.append(np.empty((0, 6)))
            continue
        last = np.full(6, (1 - chance) / 5)
        last[names.index(verdict)] = chance
        nights.append(np.stack([np.full(6, 1 / 6), last]))
    n = len(rows)
    if vectors is None:
        vectors = np.random.default_rng(3).normal(size=(n, 8))
    vectors = np.where([[bool(verdict)] for _, _, verdict, _ in rows], vectors, np.nan)
    return Verdicts(
        model,
        "1.0",
        SIX_CLASSES,
        np.array([name for name, *_ in rows], dtype=str),
        np.array([label for _, label, *_ in rows], dtype=str),
        tuple(nights),
        None,
        np.full(n, 50.0) if novelty is None else np.asarray(novelty, float),
        vectors.astype(np.float32).reshape(n, -1),
        np.array(["" if verdict else "broken" for _, _, verdict, _ in rows], dtype=str),
    )


def table(*models, places=None):
    """Return the overview of objects, each a degree from the next where no places are given."""
    first = models[0]
    n = len(first)
    catalog = pd.DataFrame({name: pd.Series([0] * n) for name in COLUMNS}).astype(COLUMNS)
    places = places or [(float(i), 0.0) for i in range(n)]
    catalog = catalog.assign(
        object_id=first.object_ids,
        label=first.labels,
        ra=[ra for ra, _ in places],
        dec=[dec for _, dec in places],
    )
    facts = pd.DataFrame({"mag_peak": np.nan, "error": ""}, index=first.object_ids)
    return overview_table(catalog, facts, models)


ROWS = [
    ("right", "SN", "SN", 0.99),
    ("sure", "SN", "CV", 0.9),
    ("faint", "AGN", "BZ", 0.4),
    ("unknown", "", "CV", 0.8),
    ("broken", "SN", "", 0.0),
    ("sure too", "CV", "SN", 0.7),
]


def test_errors_are_wrong_verdicts_the_most_certain_first():
    verdicts = said(ROWS)
    errors = find_errors(table(verdicts), verdicts)
    assert errors["object_id"].tolist() == ["sure", "sure too", "faint"]
    assert (errors["why"] == "wrong").all()
    assert (errors["neighbour"] == "right").all()  # the only one that is classified correctly


def test_doubts_are_verdicts_without_a_label_that_may_be_wrong():
    rows = [
        ("labelled", "SN", "CV", 0.3),
        ("agreed", "", "SN", 0.9),
        ("uncertain", "", "SN", 0.4),
        ("disputed", "", "SN", 0.8),
        ("new", "", "SN", 0.95),
        ("both", "", "SN", 0.45),
    ]
    novelty = [50, 50, np.nan, 50, 99, 50]
    first = said(rows, novelty=novelty)
    others = [(n, label, "CV" if n in ("disputed", "both") else "SN", 0.6) for n, label, *_ in rows]
    found = find_doubts(table(first, said(others, model="forest")), first)
    assert found["object_id"].tolist() == ["both", "new", "disputed", "uncertain"]
    assert found["why"].tolist() == [
        "the models disagree, no class reaches one half",
        "novel",
        "the models disagree",
        "no class reaches one half",
    ]
    assert (found["neighbour"] == "").all() and found["distance"].isna().all()
    alone = find_doubts(table(first), first)
    assert alone["object_id"].tolist() == ["new", "both", "uncertain"]


def test_the_neighbour_is_the_nearest_that_is_classified_correctly():
    rng = np.random.default_rng(0)
    centres = {"SN": np.eye(8)[0] * 50, "CV": np.eye(8)[1] * 50, "AGN": np.eye(8)[2] * 50}
    rows, vectors = [], []
    for kind, centre in centres.items():
        for i in range(10):
            rows.append((f"{kind}{i}", kind, kind, 0.9))
            vectors.append(centre + rng.normal(size=8))
    rows.append(("mistaken", "SN", "CV", 0.8))
    vectors.append(vectors[13] + 0.01)  # nearly the fourth cataclysmic variable
    rows.append(("wrong beside it", "SN", "CV", 0.7))
    vectors.append(vectors[13] + 0.005)
    verdicts = said(rows, vectors=np.array(vectors))
    errors = find_errors(table(verdicts), verdicts).set_index("object_id")
    assert errors["neighbour"].to_dict() == {"mistaken": "CV3", "wrong beside it": "CV3"}
    assert (errors["distance"] < 0.1).all()


def test_likeness_does_not_depend_on_units_or_on_numbers_that_never_vary():
    rng = np.random.default_rng(1)
    vectors = rng.normal(size=(40, 6))
    scaled = np.column_stack([vectors * [1, 10, 1e3, 1e-3, 5, 2] + 7, np.full(40, 3.0)])
    one, two = describe(vectors), describe(scaled)
    np.testing.assert_allclose(one @ one.T, two @ two.T, atol=1e-6)
    np.testing.assert_allclose(np.linalg.norm(one, axis=1), 1)
    assert describe(vectors[:1]).shape[0] == 1 and len(describe(vectors[:0])) == 0


@pytest.mark.parametrize(
    ("apart", "verdict", "groups"), [(9, "CV", 1), (11, "CV", 2), (9, "BZ", 2)]
)
def test_errors_of_one_kind_at_one_place_are_one(apart, verdict, groups):
    rows = [("a", "SN", "CV", 0.9), ("b", "SN", verdict, 0.8), ("c", "SN", "SN", 0.9)]
    places = [(10.0, 0.0), (10.0 + apart / 3600, 0.0), (50.0, 0.0)]
    verdicts = said(rows)
    errors = find_errors(table(verdicts, places=places), verdicts)
    shown = collapse(errors)
    assert len(shown) == groups
    assert shown["alike"].tolist() == ([["b"]] if groups == 1 else [[], []])


def test_errors_at_one_place_are_one_whatever_stands_before_them():
    rows = [("a", "SN", "BZ", 0.95), ("b", "SN", "CV", 0.9), ("c", "SN", "CV", 0.8)]
    rows.append(("d", "SN", "SN", 0.9))
    verdicts = said(rows)
    places = [(10.0, 0.0)] * 3 + [(50.0, 0.0)]
    shown = collapse(find_errors(table(verdicts, places=places), verdicts))
    assert shown[["object_id", "alike"]].to_numpy().tolist() == [["a", []], ["b", ["c"]]]


def test_errors_described_alike_are_one():
    rng = np.random.default_rng(2)
    vectors = rng.normal(size=(60, 8))
    rows = [(f"o{i}", "SN", "CV" if i < 20 else "SN", 0.9 - i / 100) for i in range(60)]
    vectors[7] = vectors[3] + 1e-4
    verdicts = said(rows, vectors=vectors)
    shown = collapse(find_errors(table(verdicts), verdicts)).set_index("object_id")
    assert shown.loc["o3", "alike"] == ["o7"] and "o7" not in shown.index
    assert len(shown) == 19


def test_where_nothing_was_classified_there_is_no_error():
    rows = [("a", "SN", "", 0.0), ("b", "", "", 0.0)]
    verdicts = said(rows)
    for find in (find_errors, find_doubts):
        found = find(table(verdicts), verdicts)
        assert found.empty and {"why", "neighbour", "distance", "group"} <= {*found.columns}
        assert collapse(found).empty


def test_many_objects_take_little_time():
    rng = np.random.default_rng(5)
    n, names = 20_000, [str(name) for name in SIX_CLASSES]
    labels, verdicts = rng.choice(names, n), rng.choice(names, n)
    rows = [(f"o{i}", a, b, 0.7) for i, (a, b) in enumerate(zip(labels, verdicts, strict=True))]
    made = said(rows, vectors=rng.normal(size=(n, 64)))
    overview = table(
        made, places=[*zip(rng.uniform(0, 360, n), rng.uniform(-60, 60, n), strict=True)]
    )
    start = time.perf_counter()
    shown = collapse(find_errors(overview, made))
    assert time.perf_counter() - start < 10
    assert len(shown) > n / 2
