"""Probabilities that mean what they say, and sets of classes that hold the true one.

Both are measured after training, on labelled objects the model has not learned from, and both
depend on how many nights were read: a model is unsure early, and by how much must be learned too.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from taonet_core.labels import TransientClass

#: Nights after which temperatures and thresholds are measured: half an octave apart.
NODES = (1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48)
#: Objects of each class that a node needs.
MIN_OBJECTS = 20
#: Stands for a probability of zero: half a vote of the thousand trees a forest has at most.
ZERO = 5e-4


@dataclass(frozen=True)
class Calibration:
    """What turns the scores of a model into calibrated probabilities and prediction sets.

    Attributes
    ----------
    nights : tuple of int, length B
        Numbers of nights read (nodes); between them values run linearly in the logarithm of the
        nights, outside them they stay as at the nearest.
    temperatures : tuple of float, length B
        Divisors of the logits (Guo et al. 2017, arXiv 1706.04599).
    thresholds : tuple of tuple of float, shape (B, K)
        A class is in the prediction set if its calibrated probability reaches this.
    prior : tuple of float, length K
        Share of each class that the probabilities take for granted.
    coverage : float
        Share of the objects of each class whose set holds their class.
    """

    nights: tuple[int, ...]
    temperatures: tuple[float, ...]
    thresholds: tuple[tuple[float, ...], ...]
    prior: tuple[float, ...]
    coverage: float = 0.9

    def __post_init__(self) -> None:
        shape = (len(self.nights), len(self.prior))
        temperatures, thresholds = np.array(self.temperatures), np.array(self.thresholds)
        if temperatures.shape != shape[:1] or thresholds.shape != shape or not shape[0]:
            raise ValueError(
                f"wanted temperatures {shape[:1]} and thresholds {shape}, got "
                f"{temperatures.shape} and {thresholds.shape}"
            )
        rising = (np.diff(self.nights) > 0).all() and np.isfinite(self.nights).all()
        if not rising or self.nights[0] < 1:
            raise ValueError(f"nights must rise from 1 or more; got {self.nights}")
        if not (np.isfinite(temperatures).all() and (temperatures > 0).all()):
            raise ValueError(f"temperatures must be positive; got {self.temperatures}")
        if not ((thresholds >= 0) & (thresholds <= 1)).all() or not 0 < self.coverage < 1:
            raise ValueError("thresholds and coverage must be probabilities")
        if not np.isclose(sum(self.prior), 1) or min(self.prior) <= 0:
            raise ValueError(f"prior must be positive and sum to 1; got {self.prior}")

    def probabilities(self, logits: NDArray[np.float64], first: int = 1) -> NDArray[np.float64]:
        """Return calibrated probabilities.

        Parameters
        ----------
        logits : ndarray, shape (N, K)
            After every night; logarithms of probabilities serve as well. NaN stays NaN.
        first : int
            Nights read by row 0; each row reads one more.
        """
        temperature = self._temperature(_read(logits, first))
        return softmax(_bounded(logits) / temperature[:, None])

    def probabilities_after(self, logits: NDArray[np.float64], n: int) -> NDArray[np.float64]:
        """Return calibrated probabilities of rows (M, K) that have all read `n` nights."""
        return softmax(_bounded(logits) / self._temperature(np.array([n])))

    def temperature(self, n: int) -> float:
        """Return the divisor of the logits after `n` nights."""
        return float(self._temperature(np.array([n]))[0])

    def _temperature(self, nights: NDArray[np.int64]) -> NDArray[np.float64]:
        return np.exp(at_nights(self.nights, np.log(self.temperatures), nights))

    def sets(self, probabilities: NDArray[np.float64], first: int = 1) -> NDArray[np.bool_]:
        """Return which classes cannot be ruled out, shape (N, K).

        Parameters
        ----------
        probabilities : ndarray, shape (N, K)
            As `probabilities` returns them; where they are NaN no class is ruled out.
        first : int
            Nights read by row 0.
        """
        least = at_nights(self.nights, self.thresholds, _read(probabilities, first))
        return ~(probabilities < least)


def fit_calibration(
    logits: Sequence[NDArray[np.float64]], labels: NDArray[np.int64], *, coverage: float = 0.9
) -> Calibration:
    """Measure temperatures and thresholds on objects that the model has not learned from.

    Every class counts the same, whatever its share, so the prior of the probabilities is flat. The
    temperature minimises the log loss over all numbers of nights. The sets are split conformal
    with one threshold a class ("Mondrian": Vovk, Gammerman & Shafer 2005, Algorithmic Learning in
    a Random World): coverage then holds for every class, so it does whatever the shares of the
    classes in a survey.

    Parameters
    ----------
    logits : sequence of ndarray, each shape (N_i, K)
        Of each object after every night, NaN where the model could not yet say.
    labels : ndarray, shape (M,), int64
        Class number of each object.
    coverage : float

    Raises
    ------
    ValueError
        If there is no object, a class has fewer than `MIN_OBJECTS`, or `coverage` is no share.
    """
    if not 0 < coverage < 1:
        raise ValueError(f"coverage must lie between 0 and 1; got {coverage}")
    rows, nights, owner = _rows(logits)
    truth = labels[owner]
    n_classes = rows.shape[1]
    nodes = tuple(n for n in NODES if _least(truth[nights == n], n_classes) >= MIN_OBJECTS)
    if not nodes:
        raise ValueError(
            f"wanted {MIN_OBJECTS} objects or more of each of {n_classes} classes, got "
            f"{np.bincount(labels, minlength=n_classes).tolist()}"
        )
    temperatures = _fit_temperatures(_bounded(rows), truth, nights, nodes)
    flat = (1 / n_classes,) * n_classes
    unset = Calibration(nodes, temperatures, ((0.0,) * n_classes,) * len(nodes), flat, coverage)
    calibrated = np.concatenate([unset.probabilities(z) for z in logits])
    calibrated = calibrated[np.isfinite(calibrated).all(1)]
    thresholds = tuple(
        _thresholds(calibrated[nights == n], truth[nights == n], coverage) for n in nodes
    )
    return Calibration(nodes, temperatures, thresholds, flat, coverage)


def at_nights(
    nodes: Sequence[int], values: ArrayLike, nights: NDArray[np.int64]
) -> NDArray[np.float64]:
    """Interpolate a table linearly in the logarithm of the nights.

    Parameters
    ----------
    nodes : sequence of int, length B
    values : array_like, shape (B, ...)
    nights : ndarray, shape (N,)

    Returns
    -------
    ndarray, shape (N, ...)
    """
    return np.tensordot(_node_weights(nodes, nights), np.asarray(values, dtype=np.float64), 1)


def reweight(
    probabilities: NDArray[np.float64], old: ArrayLike, new: ArrayLike
) -> NDArray[np.float64]:
    """Bring probabilities from one prior to another (Saerens et al. 2002, Neural Comput. 14, 21).

    Parameters
    ----------
    probabilities : ndarray, shape (..., K)
        Calibrated under the prior `old`.
    old, new : array_like, shape (K,)
        Shares of the classes.
    """
    weighted = probabilities * (np.asarray(new, dtype=np.float64) / np.asarray(old))
    return weighted / weighted.sum(-1, keepdims=True)


def full_prior(
    shares: Mapping[str, float], classes: Sequence[TransientClass], model_prior: ArrayLike
) -> NDArray[np.float64]:
    """Complete the shares of some classes to those of all.

    Parameters
    ----------
    shares : mapping of class name to float
        Those that are known, such as ``{"SN": 0.1}``; the other classes share what is left as
        they do in `model_prior`.
    classes : sequence of TransientClass, length K
    model_prior : array_like, shape (K,)

    Raises
    ------
    ValueError
        If a class is unknown, or the shares are not positive or leave nothing to the others.
    """
    prior = np.array(model_prior, dtype=np.float64)
    known = [str(name) for name in classes]
    unknown = sorted(set(map(str, shares)) - set(known))
    named = np.isin(known, [str(name) for name in shares])
    given, rest = np.array([float(v) for v in shares.values()]), prior[~named].sum()
    total = given.sum()
    fits = np.isclose(total, 1) if named.all() else total < 1
    if unknown or not shares or not fits or not (given > 0).all():
        raise ValueError(
            f"wanted positive shares of {known} that sum to 1, or to less where a class is left "
            f"out; got {dict(shares)}"
        )
    prior[~named] *= (1 - total) / rest if rest else 0.0
    for name, share in shares.items():
        prior[known.index(str(name))] = share
    return prior


def softmax(logits: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return probabilities over the last axis; minus infinity gives 0, NaN stays NaN."""
    exponentials = np.exp(logits - logits.max(-1, keepdims=True))
    return exponentials / exponentials.sum(-1, keepdims=True)


def _bounded(logits: NDArray[np.float64]) -> NDArray[np.float64]:
    """Keep a class that no tree voted for possible."""
    return np.where(np.isneginf(logits), np.log(ZERO), logits)


def _read(rows: NDArray[np.float64], first: int) -> NDArray[np.int64]:
    return np.arange(first, first + len(rows))


def _node_weights(nodes: Sequence[int], nights: NDArray[np.int64]) -> NDArray[np.float64]:
    """Weights of linear interpolation, shape (N, B)."""
    places = np.interp(np.log(nights), np.log(nodes), np.arange(len(nodes)))
    return np.clip(1 - np.abs(places[:, None] - np.arange(len(nodes))), 0, None)


def _rows(
    logits: Sequence[NDArray[np.float64]],
) -> tuple[NDArray[np.float64], NDArray[np.int64], NDArray[np.int64]]:
    """Return all rows that say something, nights read by each, and the object of each."""
    lengths = [len(z) for z in logits]
    rows = np.concatenate(logits)
    nights = np.concatenate([np.arange(1, n + 1) for n in lengths])
    owner = np.repeat(np.arange(len(logits)), lengths)
    said = np.isfinite(rows).any(1)
    return rows[said], nights[said], owner[said]


def _least(truth: NDArray[np.int64], n_classes: int) -> int:
    return int(np.bincount(truth, minlength=n_classes).min())


def _fit_temperatures(
    logits: NDArray[np.float64],
    truth: NDArray[np.int64],
    nights: NDArray[np.int64],
    nodes: tuple[int, ...],
) -> tuple[float, ...]:
    """Minimise the log loss, every class and every octave of nights counting the same."""
    from scipy.optimize import minimize

    share = _node_weights(nodes, nights)
    weight = 1 / (nights * np.bincount(truth)[truth])
    weight /= weight.sum()
    picked = np.arange(len(truth)), truth

    def loss(log_temperature: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        scaled = logits / np.exp(share @ log_temperature)[:, None]
        probabilities = softmax(scaled)
        slope = scaled[picked] - (probabilities * scaled).sum(1)
        value = -(weight * np.log(np.maximum(probabilities[picked], 1e-300))).sum()
        return float(value), share.T @ (weight * slope)

    best = minimize(loss, np.zeros(len(nodes)), jac=True, method="L-BFGS-B", tol=1e-10)
    return tuple(round(float(t), 4) for t in np.exp(best.x))


def _thresholds(
    probabilities: NDArray[np.float64], truth: NDArray[np.int64], coverage: float
) -> tuple[float, ...]:
    """Return the least probability of each class in the set, of objects on one night."""
    least = []
    for k in range(probabilities.shape[1]):
        own = np.sort(probabilities[truth == k, k])
        missed = int((1 - coverage) * (len(own) + 1) + 1e-9)  # of n + 1: the new one counts
        # rounded down, so that the one at the threshold stays in
        least.append(np.floor(own[missed - 1] * 1e6) / 1e6 if missed else 0.0)
    return tuple(map(float, least))
