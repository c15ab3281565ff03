"""What a classifier gets wrong, and, where the truth is unknown, what it may get wrong.

An error is worth a look with what it was taken for beside it: the object most like it, as the
classifier describes objects, that was classified correctly. Errors that are one and the same, a
place on the sky seen twice or two objects described alike, are worth one look.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from taonet_core.data.catalog import SAME_OBJECT
from taonet_core.data.sky import sky_groups
from taonet_core.objects.verdicts import Verdicts

if TYPE_CHECKING:
    import pandas as pd

#: A verdict below this probability is a doubtful one: the other classes together outweigh it.
UNSURE_BELOW = 0.5
#: An object further from all that is known than this share of known objects is novel (percent).
NOVEL_ABOVE = 95.0
#: Directions of the description that count, of those along which objects differ most. Measured on
#: simulated objects, nearest neighbours share verdict and truth most often with about five.
_DIRECTIONS = 5
# Two objects are described alike where they are this much closer than neighbours usually are.
_ALIKE = 0.1


def find_errors(overview: pd.DataFrame, verdicts: Verdicts) -> pd.DataFrame:
    """Return the objects that a classifier gets wrong, the most certain errors first.

    Parameters
    ----------
    overview : DataFrame
        See `taonet_core.objects.overview.overview_table`; it holds the verdicts of this classifier.
    verdicts : Verdicts

    Returns
    -------
    DataFrame
        Rows of `overview` and, of each object,

        - ``why``: in words;
        - ``neighbour``, ``distance``: the object most like it that is classified correctly, and
          how far away it is (0 alike, 2 opposite); empty and NaN where there is none;
        - ``group``: number that errors of one kind share where they are nearly one object.
    """
    model = verdicts.model
    wrong = overview[_true(~overview[f"right_{model}"])]
    return _with_neighbours(_most_certain_first(wrong.assign(why="wrong"), model), verdicts)


def find_doubts(overview: pd.DataFrame, verdicts: Verdicts) -> pd.DataFrame:
    """Return the objects of unknown truth whose verdict may well be wrong, the worst first.

    Parameters
    ----------
    overview : DataFrame
        See `taonet_core.objects.overview.overview_table`.
    verdicts : Verdicts

    Returns
    -------
    DataFrame
        As `find_errors`. Objects on which the classifiers disagree, of which no class reaches
        `UNSURE_BELOW`, or which are novel (`NOVEL_ABOVE`): those with more of these reasons first,
        then the more certain, which mislead more.
    """
    model = verdicts.model
    told = overview[(overview["label"] == "") & (overview[f"verdict_{model}"] != "")]
    reasons = {
        "no class reaches one half": (told[f"confidence_{model}"] < UNSURE_BELOW).to_numpy(),
        "novel": (told[f"novelty_{model}"] > NOVEL_ABOVE).to_numpy(),
    }
    if "disagree" in told:
        reasons = {"the models disagree": _true(told["disagree"])} | reasons
    held = np.array(list(reasons.values()))
    words = [", ".join(np.array(list(reasons))[column]) for column in held.T]
    doubtful = _most_certain_first(told.assign(why=words, reasons=held.sum(0)), model)
    doubtful = doubtful[doubtful["reasons"] > 0].sort_values(
        "reasons", ascending=False, kind="stable"
    )
    return _with_neighbours(doubtful.drop(columns="reasons"), verdicts)


def collapse(errors: pd.DataFrame) -> pd.DataFrame:
    """Keep of each group of near-duplicates the first.

    Returns
    -------
    DataFrame
        Rows of `errors`, with ``alike``: the names of the others of its group.
    """
    members = errors.groupby("group", sort=False)["object_id"].agg(list)
    first = errors.drop_duplicates("group")
    return first.assign(alike=[members[group][1:] for group in first["group"]])


def describe(vectors: NDArray[np.float32]) -> NDArray[np.float64]:
    """Turn what a classifier says of objects into places whose distances mean likeness.

    Parameters
    ----------
    vectors : ndarray, shape (n, D), float32
        See `Verdicts.vectors`; finite.

    Returns
    -------
    ndarray, shape (n, k), float64
        Directions from the mean object, of length 1, in the leading principal components, each
        brought to the same spread. The distance of two is 0 for objects alike and 2 at most.
    """
    from sklearn.decomposition import PCA
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import Normalizer, StandardScaler

    varying = vectors[:, np.ptp(vectors, axis=0) > 0] if len(vectors) else vectors
    k = min(_DIRECTIONS, varying.shape[1], len(vectors) - 1)
    if k < 1:
        return np.zeros((len(vectors), 1))
    steps = make_pipeline(StandardScaler(), PCA(k, whiten=True, random_state=0), Normalizer())
    return np.asarray(steps.fit_transform(varying.astype(np.float64)))


def _true(flags: pd.Series) -> NDArray[np.bool_]:
    """Where a column of true, false and missing is true."""
    return flags.fillna(False).to_numpy(bool)


def _most_certain_first(objects: pd.DataFrame, model: str) -> pd.DataFrame:
    return objects.sort_values(f"confidence_{model}", ascending=False, kind="stable")


def _with_neighbours(objects: pd.DataFrame, verdicts: Verdicts) -> pd.DataFrame:
    """Add ``neighbour``, ``distance`` and ``group`` to objects."""
    from sklearn.neighbors import NearestNeighbors

    known = verdicts.select(np.isfinite(verdicts.vectors).all(axis=1) & (verdicts.n_nights > 0))
    places = describe(known.vectors)
    row_of = dict(zip(known.object_ids.tolist(), range(len(known)), strict=True))
    rows = np.array([row_of.get(name, -1) for name in objects["object_id"]], dtype=np.int64)
    classes = np.array([str(name) for name in known.classes])
    right = np.flatnonzero(known.known & (known.verdict == classes[known.truth]))
    neighbour = np.full(len(objects), "", dtype=object)
    distance = np.full(len(objects), np.nan)
    seen = np.flatnonzero(rows >= 0)
    if len(right) and len(seen):
        search = NearestNeighbors(n_neighbors=1).fit(places[right])
        far, index = search.kneighbors(places[rows[seen]])
        neighbour[seen] = known.object_ids[right[index[:, 0]]]
        distance[seen] = far[:, 0]
    group = _groups(objects, places, rows, verdicts.model)
    return objects.assign(neighbour=neighbour, distance=distance, group=group)


def _groups(
    objects: pd.DataFrame, places: NDArray[np.float64], rows: NDArray[np.int64], model: str
) -> NDArray[np.int64]:
    """Give near-duplicates with one truth and one verdict a number, shape (n,)."""
    from scipy.sparse import coo_matrix
    from scipy.sparse.csgraph import connected_components
    from sklearn.neighbors import NearestNeighbors

    n = len(objects)
    sky = sky_groups(objects["ra"].to_numpy(float), objects["dec"].to_numpy(float), SAME_OBJECT)
    kind = (objects["label"] + " " + objects[f"verdict_{model}"]).tolist()
    first: dict[tuple[int, str], int] = {}
    same = [(first.setdefault(key, i), i) for i, key in enumerate(zip(sky, kind, strict=True))]
    seen = np.flatnonzero(rows >= 0)
    if len(seen) > 1:
        search = NearestNeighbors().fit(places)
        usual = float(np.median(search.kneighbors(n_neighbors=1)[0]))
        near = NearestNeighbors(radius=_ALIKE * usual).fit(places[rows[seen]]).radius_neighbors()
        pairs = ((seen[i], seen[j]) for i, others in enumerate(near[1]) for j in others)
        same += [(i, j) for i, j in pairs if kind[i] == kind[j]]
    one, two = np.array(same, dtype=np.int64).reshape(-1, 2).T
    links = coo_matrix((np.ones(len(one)), (one, two)), (n, n))
    return connected_components(links, directed=False)[1].astype(np.int64)
