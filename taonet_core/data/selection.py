"""Which objects of a table are wanted, and in which order: a value that fits in an address."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from taonet_core.data.catalog import search
from taonet_core.data.selection_fields import (
    ANY,
    CHOICES,
    FIELDS,
    ORDERS,
    RANGES,
    UNKNOWN,
    Corners,
    Range,
    range_words,
)
from taonet_core.data.sky import hammer, inside, parse_cone

_COLUMNS = {"nights": "n_nights", "snr": "snr_peak", "novelty": "novelty_{model}"}


@dataclass(frozen=True)
class Selection:
    """What a reader asks of a table of objects.

    Attributes
    ----------
    text : str
        Part of a name, or a position with or without a radius (`catalog.search`).
    radius_arcsec : float
        Radius of the cone around a position that comes without one.
    truths, verdicts : tuple of str
        Classes wanted, of `selection_fields.CLASSES`; none means all.
    model : str
        Whose verdicts, probabilities and novelty are meant.
    probability_of : str
        The class whose probability is bounded; empty for that of the verdict.
    probability, nights, magnitude, dates, snr, novelty : Range
        Bounds, both included; an object of which the number is unknown stays out. Magnitudes are
        those measured at peak; the catalogue's where the table has no ``mag_peak`` at all.
    outcome, agreement, experts : str
        One of the words in `selection_fields.CHOICES`, or empty.
    region : tuple of pairs of float
        Corners of an area of the sky map, in the plane of `sky.hammer`.
    sort : str
        One of `selection_fields.ORDERS`, with a minus in front to turn it round.
    ignored : tuple of str
        Why parts of an address were not understood; not part of what is asked.
    """

    text: str = ""
    radius_arcsec: float = 60.0
    truths: tuple[str, ...] = ()
    verdicts: tuple[str, ...] = ()
    model: str = "taonet"
    probability_of: str = ""
    probability: Range = ANY
    nights: Range = ANY
    magnitude: Range = ANY
    dates: Range = ANY
    snr: Range = ANY
    novelty: Range = ANY
    outcome: str = ""
    agreement: str = ""
    experts: str = ""
    region: Corners = ()
    sort: str = "name"
    ignored: tuple[str, ...] = field(default=(), compare=False)

    def apply(self, overview: pd.DataFrame) -> pd.DataFrame:
        """Return the rows wanted, in the order wanted.

        Parameters
        ----------
        overview : DataFrame
            Columns of `catalog.COLUMNS` and, as far as they are known, ``mag_peak``,
            ``snr_peak``, ``disagree``, ``expert`` (empty without a label), and of each model
            ``verdict_M``, ``confidence_M``, ``right_M``, ``novelty_M`` and ``p_CLASS_M``.

        Returns
        -------
        DataFrame
            Rows of `overview`; a search by text adds ``separation_arcsec``.
        """
        found = overview
        if self.text.strip():
            found = search(overview, self.text, radius_arcsec=self.radius_arcsec)
        keep = np.ones(len(found), dtype=bool)
        for mask in (*self._of_classes(found), *self._of_ranges(found), *self._of_choices(found)):
            keep &= mask
        if self.region:
            place = hammer(found["ra"].to_numpy(), found["dec"].to_numpy())
            keep &= inside(*place, np.array(self.region))
        return self._in_order(found[keep])

    def to_query(self) -> dict[str, str | list[str]]:
        """Return the selection as parts of an address; what is as it always is stays out."""
        return {
            known.key: known.write(getattr(self, name))
            for name, known in FIELDS.items()
            if getattr(self, name) != getattr(_ALL, name)
        }

    @classmethod
    def from_query(cls, query: Mapping[str, str | Sequence[str]]) -> Selection:
        """Return the selection that an address holds; `ignored` says what was not understood.

        Parts of the address that belong to others are passed over.
        """
        values: dict[str, Any] = {}
        ignored = []
        for name, known in FIELDS.items():
            held = query.get(known.key, [])
            texts = [held] if isinstance(held, str) else list(held)
            try:
                if texts:
                    values[name] = known.read(texts)
            except ValueError as error:
                ignored.append(f"{known.key}: {error}")
        return cls(**values, ignored=tuple(ignored))

    def describe(self) -> dict[str, str]:
        """Return each filter in words by the name of its field; empty where all is wanted."""
        words = {"text": self._text_words()} if self.text.strip() else {}
        if self.truths:
            words["truths"] = f"truth {' or '.join(self.truths)}"
        if self.verdicts:
            words["verdicts"] = f"verdict {' or '.join(self.verdicts)}"
        for name, quantity in RANGES.items():
            if getattr(self, name) != ANY:
                of = f"P({self.probability_of})" if self.probability_of else ""
                what = of if name == "probability" else ""
                words[name] = range_words(quantity, getattr(self, name), what)
        for name, (_, meanings) in CHOICES.items():
            if getattr(self, name):
                words[name] = meanings[getattr(self, name)]
        return words | ({"region": "marked on the sky map"} if self.region else {})

    def without(self, name: str) -> Selection:
        """Return the selection with one field as it always is."""
        return replace(self, **{name: getattr(_ALL, name)})

    def cleared(self) -> Selection:
        """Return the selection of all objects, in the same order and by the same model."""
        return Selection(model=self.model, sort=self.sort)

    def _text_words(self) -> str:
        cone = parse_cone(self.text)
        if cone is None:
            return f"“{self.text.strip()}”"
        radius = self.radius_arcsec if cone[2] is None else cone[2]
        return f"within {radius:g}″ of RA {cone[0]:.5f} Dec {cone[1]:+.5f}"

    def _of_classes(self, found: pd.DataFrame) -> list[NDArray[np.bool_]]:
        masks = []
        for wanted, column in ((self.truths, "label"), (self.verdicts, "verdict_{model}")):
            if wanted:
                held = self._column(found, column, "")
                masks.append(held.where(held != "", UNKNOWN).isin(wanted).to_numpy(bool))
        return masks

    def _of_ranges(self, found: pd.DataFrame) -> list[NDArray[np.bool_]]:
        masks = []
        for name in RANGES:
            low, high = getattr(self, name)
            if low is None and high is None:
                continue
            first, last = self._extent(found, name)
            least, most = -np.inf if low is None else low, np.inf if high is None else high
            masks.append((last >= least) & (first <= most))
        return masks

    def _extent(
        self, found: pd.DataFrame, name: str
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return the smallest and the largest value of a number of each object."""
        if name == "dates":
            return found["mjd_first"].to_numpy(float), found["mjd_last"].to_numpy(float)
        kind = f"p_{self.probability_of}" if self.probability_of else "confidence"
        column = f"{kind}_{{model}}" if name == "probability" else _COLUMNS.get(name, name)
        values = self._column(found, column, np.nan).to_numpy(float)
        return values, values

    def _of_choices(self, found: pd.DataFrame) -> list[NDArray[np.bool_]]:
        masks = []
        for value, yes, column in (
            (self.outcome, "right", "right_{model}"),
            (self.agreement, "disagree", "disagree"),
        ):
            if value:
                truth = self._column(found, column, pd.NA).astype("boolean")
                masks.append((truth == (value == yes)).fillna(False).to_numpy(bool))
        if self.experts:
            labelled = (self._column(found, "expert", "") != "").to_numpy(bool)
            masks.append(labelled == (self.experts == "labelled"))
        return masks

    def _column(self, found: pd.DataFrame, name: str, missing: object) -> pd.Series:
        """Return a column of the model asked; `missing` everywhere where there is none."""
        if name == "magnitude":
            name = "mag_peak" if "mag_peak" in found else "mag"  # a bare catalogue knows no peak
        name = name.format(model=self.model)
        return found[name] if name in found else pd.Series(missing, index=found.index)

    def _in_order(self, found: pd.DataFrame) -> pd.DataFrame:
        turned = self.sort.startswith("-")
        by = [
            (name, ascends != turned)
            for name, ascends in ORDERS[self.sort.removeprefix("-")].by
            if name == "magnitude" or name.format(model=self.model) in found
        ]
        if not by:
            return found
        keys = pd.DataFrame(
            {name: self._column(found, name, None).reset_index(drop=True) for name, _ in by}
        )
        names, ascending = zip(*by, strict=True)
        return found.iloc[keys.sort_values([*names], ascending=[*ascending], kind="stable").index]


_ALL = Selection()


def extremes(overview: pd.DataFrame, model: str) -> dict[str, Range]:
    """Return the smallest and largest known value of each number objects are chosen by.

    Parameters
    ----------
    overview : DataFrame
        See `Selection.apply`.
    model : str
    """
    asked = Selection(model=model)
    found: dict[str, Range] = {}
    for name in RANGES:
        first, last = asked._extent(overview, name)
        ends = np.nanmin(first, initial=np.inf), np.nanmax(last, initial=-np.inf)
        found[name] = ANY if ends[0] > ends[1] else (float(ends[0]), float(ends[1]))
    return found


def listing(rows: pd.DataFrame) -> pd.DataFrame:
    """Return the chosen rows as a table for files: plain columns without places on this machine.

    Returns
    -------
    DataFrame
        Yes or no become the text ``true``, ``false`` or, where unknown, nothing; whole numbers
        that are not all known become ``float64``.
    """
    table = rows.drop(columns=["path", "group"], errors="ignore").reset_index(drop=True)
    for name, kind in table.dtypes.items():
        if kind == "boolean":
            words = table[name].map({True: "true", False: "false"}, na_action="ignore")
            table[name] = words.astype("str").fillna("")
        elif kind == "Int64":
            table[name] = table[name].astype("float64")
        elif kind == "str":
            table[name] = table[name].fillna("")
    return table
