"""What lies far from all that is known is strange, and known objects are strange as promised."""

import numpy as np
import pytest

from taonet_core.models.novelty import NEIGHBOUR, PERCENTILES, Novelty, fit_novelty

D = 12


def walks(rng, n_objects, offset=0.0):
    """Vectors after every night: two kinds of object, more certain with every night."""
    kind = np.resize([[3.0], [-3.0]], (n_objects, 1))
    lengths = rng.integers(10, 20, n_objects)
    nights = [np.arange(1, n + 1)[:, None] for n in lengths]
    return [
        k * np.eye(D)[0] + offset * np.eye(D)[1] + rng.normal(0, 1 + 3 / n, (len(n), D))
        for k, n in zip(kind, nights, strict=True)
    ]


@pytest.fixture(scope="module")
def known():
    return fit_novelty(walks(np.random.default_rng(0), 600))


@pytest.mark.parametrize("n", [1, 4, 10])
def test_known_objects_are_spread_evenly_over_the_percentiles_on_every_night(known, n):
    rng = np.random.default_rng(1)
    found = np.sort([known.percentile(v[n - 1], n) for v in walks(rng, 500)])
    even = (np.arange(500) + 0.5) / 5
    assert np.abs(found - even).max() < 12


def test_an_unknown_object_is_stranger_than_nearly_all(known):
    rng = np.random.default_rng(2)
    found = [known.percentile(v[-1], len(v)) for v in walks(rng, 50, offset=12.0)]
    assert np.min(found) > 99


def test_the_distance_is_that_of_the_tenth_neighbour(known):
    rng = np.random.default_rng(3)
    row = rng.normal(0, 2, (1, D))
    gaps = np.linalg.norm(known.components(row) - known.known, axis=1)
    assert known.distance(row)[0] == pytest.approx(np.sort(gaps)[NEIGHBOUR - 1])


def test_known_components_are_uncorrelated_and_of_one_unit(known):
    covariance = np.cov(known.known, rowvar=False)
    np.testing.assert_allclose(covariance, np.eye(len(covariance)), atol=1e-8)


def test_enormous_features_do_not_hide_small_ones():
    rng = np.random.default_rng(4)
    vectors = [v * np.r_[1e10, np.ones(D - 1)] for v in walks(rng, 300)]
    strange = vectors[0][-1] + np.r_[0.0, 30.0, np.zeros(D - 2)]
    assert fit_novelty(vectors).percentile(strange, len(vectors[0])) > 99


def test_nights_without_a_vector_are_passed_over():
    rng = np.random.default_rng(5)
    vectors = walks(rng, 300)
    for v in vectors:
        v[:3] = np.nan
    found = fit_novelty(vectors)
    assert found.nights[0] == 4
    assert np.isfinite(found.known).all()


def test_it_comes_back_from_its_arrays_and_refuses_others(known):
    arrays = known.arrays()
    back = Novelty.from_arrays(arrays)
    row = np.random.default_rng(6).normal(0, 2, D)
    assert back.percentile(row, 5) == pytest.approx(known.percentile(row, 5), abs=0.1)
    assert back.quantiles.shape[1] == len(PERCENTILES)
    with pytest.raises(ValueError, match="wanted the arrays"):
        Novelty.from_arrays({k: v for k, v in arrays.items() if k != "known"})
    with pytest.raises(ValueError, match="do not fit"):
        Novelty.from_arrays(arrays | {"centre": np.zeros(3)})
    with pytest.raises(ValueError, match="must rise"):
        Novelty.from_arrays(arrays | {"nights": arrays["nights"] - 1})
    with pytest.raises(ValueError, match="not finite"):
        Novelty.from_arrays(arrays | {"centre": np.full(D, np.nan)})


def test_too_few_objects_are_refused():
    with pytest.raises(ValueError, match="objects or more"):
        fit_novelty(walks(np.random.default_rng(7), 20))
