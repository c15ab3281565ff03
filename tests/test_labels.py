"""The words for the classes, against real entries of the CRTS transient lists."""

import csv
import gzip

import pytest

from taonet_core.labels import (
    FIVE_CLASSES,
    SIX_CLASSES,
    STYLES,
    TransientClass,
    class_from_catalog,
    class_from_words,
)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("SN", "SN"),
        ("SN 2006tf (TSS) SDSS mag 20,7", "SN"),
        ("CV", "CV"),
        ("CV (SDSS blue)", "CV"),
        ("AGN", "AGN"),
        ("AGN?", "AGN"),
        ("SN/AGN ", "AGN"),
        ("Blazar", "BZ"),
        ("Blazar?", "BZ"),
        ("HPM", "OTHER"),
        ("Var", "OTHER"),
        ("Unknown", "OTHER"),
        ("nonTransient", "NON"),
        ("Non-transient", "NON"),
        ("SN?", None),
        ("SN ?", None),
        ("CV?", None),
        ("Flare", None),
        ("Ast", None),
        ("", None),
    ],
)
def test_catalogue_text_becomes_a_class(text, expected):
    assert class_from_catalog(text) == expected


@pytest.mark.parametrize(
    ("expected", "texts"),
    [
        ("SN", "SN; sn; SN Ia; SNIa; SN_II; SNe; SN II-P; SLSN-I; Type Ia; Ia; IIn; II; Ib/c; "
               "Ia|Ia-91T; Ia Pec; Supernova; SN 2006tf (TSS) SDSS mag 20,7; Type II-P; Type IIn; "
               "Type I; Type Ia supernova; SN Ia in a Seyfert galaxy"),
        ("AGN", "AGN; agn; QSO; Quasar; Seyfert 1; Active galactic nucleus; Type I AGN; "
                "type II Seyfert; Type 1 QSO; variable AGN; radio-loud quasars"),
        ("BZ", "BZ; Blazar; BL Lac; BLLac; bll; FSRQ; BZQ; blazar candidate; variable blazar"),
        ("CV", "CV; dwarf nova; UGSU; Cataclysmic variable; AM CVn; CV ROTSE3 J0015/x; polar; "
               "Intermediate polar"),
        ("OTHER", "OTHER; Other transient; RR Lyrae; Var; Mira; TDE; Nova; HPM; EW; YSO; "
                  "Type II Cepheid; variable star"),
        ("NON", "NON; Non-transient; nonTransient; bogus"),
        (None, "; SN?; SN ?; CV? SDSS; SN/CV; Ia|CV; Unknown; SNR; galaxy; 17; ?; "
               "polar ring galaxy; non-AGN"),
    ],
)  # fmt: skip
def test_words_in_use_become_a_class(expected, texts):
    for text in texts.split(";"):
        assert class_from_words(text) == expected, text


def test_every_class_looks_different():
    assert set(STYLES) == set(SIX_CLASSES)
    for aspect in ("name", "colour", "marker", "glyph"):
        assert len({getattr(style, aspect) for style in STYLES.values()}) == len(SIX_CLASSES)


def test_five_classes_are_the_six_without_field_sources():
    assert set(SIX_CLASSES) - set(FIVE_CLASSES) == {TransientClass.NON}


@pytest.mark.data
def test_the_transient_list_falls_into_classes_as_the_release_does(real_data):
    path = real_data / "crts" / "catalog.csv.gz"
    with gzip.open(path, "rt", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    counts = dict.fromkeys(SIX_CLASSES, 0)
    for row in rows:
        found = class_from_catalog(row["classification"])
        if found is not None:
            counts[found] += 1
    # Objects of each class in the release (arXiv 2503.16714); the lists have some more.
    released = {"AGN": 606, "BZ": 239, "CV": 772, "OTHER": 818, "SN": 1372}
    for name, number in released.items():
        assert number <= counts[TransientClass(name)] <= 1.5 * number, name
