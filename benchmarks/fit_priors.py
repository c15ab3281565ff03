"""Fit the simulator's priors to real CRTS light curves and write `priors.json`.

Run it with ``python benchmarks/fit_priors.py [--data FOLDER] [--output FILE]``; the folder is that
of the variable TAONET_REAL_DATA and holds ``crts/catalog.csv.gz`` (the public CRTS transient lists;
Drake et al. 2009), ``crts/transients*`` and ``crts/nontransients*`` (MANTRA; Neira et al. 2020) and
``crts/supernova_catalog*`` (Open Supernova Catalog). The result holds quantiles and means alone.
"""

from __future__ import annotations

import argparse
import json
import os
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from astropy.coordinates import SkyCoord
from damped_walks import fit_walks, night_means
from numpy.typing import NDArray
from scipy.stats import spearmanr

from taonet_core.labels import FIVE_CLASSES, class_from_catalog

#: Probabilities of every table of quantiles.
GRID = np.array([0.01, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.99])
_OUTPUT = Path(__file__).parents[1] / "taonet_core" / "simulation" / "priors.json"

#: First word(s) of the free-text class -> kind among the OTHER of the simulator. Flares and
#: asteroids are left out of the release's OTHER and are read from the lists all the same.
_KINDS = {
    r"^HPM|^LHS": "proper_motion",
    r"^Flare": "flare",
    r"^Ast": "asteroid",
    r"^Nova": "nova",
    r"TDE": "tde",
    r"^Comet": "comet",
    r"^Mira|^OH": "mira",
    r"^LPV|^Carb|^very red C|^AGB": "semi_regular",
    r"^YSO|^FU": "yso",
    r"^[Vv]ar|^RRL|^RCorB": "variable",
}
#: Kinds that the lists call variable without saying more; each gets a third.
_VARIABLES = ("rr_lyrae", "eclipsing", "irregular")
#: Explanation -> how it is written where two are named.
_DOUBTS = {
    "supernova": r"^SN/|^[^ ]+/SN",
    "dwarf_nova": r"^CV/|^[^ ]+/CV",
    "asteroid": r"^Ast/|^[^ ]+/Ast",
    "flare": r"^Flare/|^[^ ]+/Flare",
    "variable": r"^[Vv]ar/|^[^ ]+/Var",
}


def quantiles(values: Any) -> list[float]:
    """Quantiles of `values` at `GRID`, missing values left out."""
    values = np.asarray(values, dtype=float)
    return [round(float(v), 3) for v in np.quantile(values[np.isfinite(values)], GRID)]


def load_catalog(folder: Path) -> pd.DataFrame:
    """Return the transient list with class, kind and the quiescent magnitude its text quotes."""
    catalog = pd.read_csv(folder / "catalog.csv.gz").drop_duplicates("crts_id")
    text = catalog["classification"].fillna("")
    catalog["label"] = text.map(class_from_catalog)
    quoted = text.str.extract(r"mag\s*(>?)\s*(\d+(?:[,.]\d+)?)")
    catalog["fainter"] = quoted[0] == ">"
    catalog["quiescent"] = pd.to_numeric(quoted[1].str.replace(",", "."), errors="coerce")
    catalog["redshift"] = pd.to_numeric(
        text.str.extract(r"z\s*=\s*(\d[,.]\d+)")[0].str.replace(",", "."), errors="coerce"
    )
    catalog["kind"] = "unknown"
    for pattern, kind in reversed(_KINDS.items()):
        catalog.loc[text.str.contains(pattern, regex=True), "kind"] = kind
    return catalog


def fit_class(rows: pd.DataFrame, offset: float) -> dict[str, Any]:
    """Discovery and quiescent magnitudes and their rank correlation, for one class or kind.

    A quoted limit ("mag >22") is taken as 0.7 mag fainter than the limit.
    """
    quiet = rows["quiescent"] + 0.7 * rows["fainter"] - offset
    both = quiet.notna()
    result: dict[str, Any] = {"discovery": quantiles(rows["mag"]), "n": len(rows)}
    if both.sum() >= 10:
        result["quiescent"] = quantiles(quiet)
        result["rank_correlation"] = round(
            float(spearmanr(rows["mag"][both], quiet[both]).statistic), 3
        )
    return result


def fit_brightening(
    objects: pd.DataFrame, catalog: pd.DataFrame, medians: pd.Series
) -> list[float]:
    """How much brighter than the median of its curve an object was at discovery, magnitudes."""
    discovery = objects.merge(catalog[["crts_id", "mag"]], on="crts_id")
    return quantiles(discovery["object_id"].map(medians) - discovery["mag"])


def fit_variability(curves: dict[str, pd.DataFrame]) -> dict[str, Any]:
    """Scatter in quiescence of the outbursting: the width of the fainter half of nights.

    From the median deviation, which stray photometry does not widen.
    """
    scatter = []
    for curve in curves.values():
        _, mag, noise = night_means(curve)
        faint = mag - np.median(mag)
        excess = (1.4826 * np.median(faint[faint >= 0])) ** 2 - np.mean(noise)
        scatter.append(np.sqrt(max(excess, 0.0)))
    return {"quiescent_scatter": quantiles(scatter)}


def fit_field(folder: Path) -> dict[str, Any]:
    """Magnitudes of field sources, and how much more than usual bright ones scatter.

    Usual is the median scatter between nights at that magnitude; it belongs to the camera, what
    exceeds it to the star.
    """
    curves = pd.read_parquet(folder / "nontransients.parquet")
    objects = pd.read_csv(folder / "nontransients_objects.csv.gz", dtype={"object_id": str})
    sample = set(objects.loc[objects["sample"] == "random_ge5", "object_id"])
    curves["object_id"] = curves["object_id"].astype(str)
    mags, bright, scatter = [], [], []
    for name, curve in curves.groupby("object_id"):
        if len(curve) < 20:
            continue
        _, mag, _ = night_means(curve)
        middle = float(np.median(mag))
        if 13.0 < middle < 17.0 and len(mag) >= 12:
            bright.append(middle)
            scatter.append(1.4826 * np.median(np.abs(mag - middle)))
        if name in sample:
            mags.append(middle)
    table = pd.DataFrame({"bin": np.floor(np.array(bright) * 2), "scatter": scatter})
    usual = table.groupby("bin")["scatter"].transform("median")
    excess = np.sqrt(np.maximum(table["scatter"] ** 2 - usual**2, 0.0))
    return {"magnitude": quantiles(mags), "excess": quantiles(excess), "n": len(mags)}


def fit_others(catalog: pd.DataFrame) -> dict[str, Any]:
    """Magnitudes and number of each kind among the OTHER, and how often what is suspected.

    Suspicions are read where two are named: with one (SN?) the release leaves the object out.
    """
    text = catalog["classification"].fillna("")
    listed = catalog[(catalog["label"] == "OTHER") | catalog["kind"].isin(["flare", "asteroid"])]
    kinds = {kind: fit_class(part, 0.1) for kind, part in listed.groupby("kind")}
    variable = kinds.pop("variable")
    kinds |= {kind: variable | {"n": variable["n"] // len(_VARIABLES)} for kind in _VARIABLES}
    doubtful = text[catalog["label"] == "OTHER"]
    moving = text[listed.index[listed["kind"] == "proper_motion"]]
    number = pd.to_numeric(moving.str.extract(r"LHS[_ ]*(\d+)")[0])
    kinds["proper_motion"]["above_one"] = round(float((number < 1000).mean()), 3)
    kinds["proper_motion"]["above_half"] = round(float(number.notna().mean()), 3)
    return {
        "kinds": dict(sorted(kinds.items())),
        "doubts": {
            name: int(doubtful.str.contains(words).sum()) for name, words in _DOUBTS.items()
        },
    }


def galactic_latitude(ra: Any, dec: Any) -> NDArray[Any]:
    """Absolute galactic latitude, degrees."""
    return np.abs(SkyCoord(np.asarray(ra), np.asarray(dec), unit="deg").galactic.b.deg)


def fit_supernova_types(folder: Path) -> dict[str, int]:
    """Numbers of spectroscopic types among the Open Supernova Catalog's CRTS objects."""
    types = pd.read_csv(folder / "supernova_catalog_objects.csv")["osc_type"].fillna("")
    first = types.str.split("|").str[0].str.strip()
    kinds = {
        "Ia": first.str.startswith("Ia"),
        "Ibc": first.str.match(r"^I[bc]"),
        "IIP": first.isin(["II P", "II"]),
        "IIn": first.eq("IIn"),
        "SLSN": first.str.startswith("SLSN"),
    }
    return {kind: int(mask.sum()) for kind, mask in kinds.items()}


def fit(folder: Path) -> dict[str, Any]:
    """Return all priors."""
    catalog = load_catalog(folder)
    curves = pd.read_parquet(folder / "transients.parquet").astype({"object_id": str})
    objects = pd.read_csv(folder / "transients_objects.csv", dtype={"object_id": str})
    medians = curves.groupby("object_id")["mag"].median()
    quoted = objects.merge(catalog[["crts_id", "quiescent", "fainter"]], on="crts_id", how="left")
    quoted["offset"] = quoted["quiescent"] - quoted["object_id"].map(medians)
    offsets = quoted[~quoted["fainter"].fillna(False).astype(bool)].groupby("label")["offset"]
    classes = {}
    for label in FIVE_CLASSES:
        rows = catalog[catalog["label"] == label]
        offset = round(float(offsets.median()[label]), 2) if label != "OTHER" else 0.1
        classes[str(label)] = fit_class(rows, offset)
        classes[str(label)]["offset"] = offset
        classes[str(label)]["latitude"] = quantiles(galactic_latitude(rows["ra"], rows["dec"]))
    by_label = {
        label: dict(list(part.groupby("object_id"))) for label, part in curves.groupby("label")
    }
    for label in ("AGN", "BZ"):
        listed = objects[objects["label"] == label]
        classes[label]["walk"] = fit_walks(by_label[label])
        classes[label]["brightening"] = fit_brightening(listed, catalog, medians)
    blazars = catalog[(catalog["label"] == "BZ") & catalog["redshift"].notna()]
    classes["BZ"]["redshift"] = quantiles(blazars["redshift"])
    classes["CV"] |= fit_variability(by_label["CV"])
    classes["SN"]["types"] = fit_supernova_types(folder)
    classes["OTHER"] |= fit_others(catalog)
    field = fit_field(folder)
    positions = pd.read_csv(folder / "nontransients_objects.csv.gz")
    field["latitude"] = quantiles(galactic_latitude(positions["ra"], positions["dec"]))
    return {"grid": GRID.tolist(), **classes, "NON": field}


def main() -> None:
    """Read the folder, write the file."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--data", type=Path, default=os.environ.get("TAONET_REAL_DATA"))
    parser.add_argument("--output", type=Path, default=_OUTPUT)
    options = parser.parse_args()
    if options.data is None:
        parser.error("say --data FOLDER or set TAONET_REAL_DATA")
    priors = fit(Path(options.data) / "crts")
    options.output.write_text(json.dumps(priors, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
