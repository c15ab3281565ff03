"""Collections open objects by name; the store measures each of them once."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from astropy.wcs import WCS

from taonet_core.data.fits_write import write_sequence
from taonet_core.data.lightcurve import LightCurve
from taonet_core.data.sequence import ImageSequence
from taonet_core.errors import TaoNetError
from taonet_core.inference import predict
from taonet_core.labels import SIX_CLASSES
from taonet_core.models.taonet import TAONet, TAONetConfig
from taonet_core.models.weights import ModelBundle
from taonet_core.objects.collection import gather, open_folder
from taonet_core.objects.verdict_store import VerdictStore
from taonet_core.transforms.brightness import brightness_facts
from taonet_core.transforms.photometry import extract_light_curve
from taonet_core.transforms.preprocess import PreprocessConfig


@pytest.fixture(scope="module")
def bundle() -> ModelBundle:
    torch.manual_seed(1)
    config = TAONetConfig(widths=(4, 4, 4, 4), embedding=8, hidden=8)
    network = TAONet(config).eval()
    return ModelBundle("taonet", "0.0", "taonet", SIX_CLASSES, network, config, PreprocessConfig())


@pytest.fixture
def folder(tmp_path, make_sequence) -> Path:
    for i, name in enumerate(("one", "two", "two")):
        made = make_sequence(nights=3 + i, object_id=name, flux=2000.0 * (i + 1))
        write_sequence(made, tmp_path / f"{i}.fits")
    return tmp_path


def test_objects_of_a_folder_have_names_of_their_own(folder) -> None:
    collection = open_folder(folder)
    assert list(collection.catalog["object_id"]) == ["one", "two", "two (2)"]
    for name in collection.stamps:
        assert collection.read(name).object_id == name
    assert len(collection.read("two (2)")) > len(collection.read("two"))
    with pytest.raises(KeyError):
        collection.read("three")


def test_a_changed_file_has_another_stamp(folder, make_sequence) -> None:
    before = open_folder(folder)
    write_sequence(make_sequence(nights=7, object_id="one"), folder / "0.fits", overwrite=True)
    after = open_folder(folder)
    assert before.stamp("one") != after.stamp("one") and before.stamp("two") == after.stamp("two")
    assert before.key != after.key


def test_a_collection_in_memory_goes_by_content(make_sequence) -> None:
    curve = LightCurve(np.arange(5.0), np.full(5, 18.0), np.full(5, 0.1))
    made = make_sequence(object_id="", label="SN")
    items = [("a.fits", made), ("b", curve), ("a.fits", made.with_meta(object_id="other"))]
    collection = gather(items, name="upload", title="Your files")
    assert list(collection.catalog["object_id"]) == ["a.fits", "b", "other"]
    assert list(collection.catalog["label"]) == ["SN", "", "SN"]
    assert collection.read("b").meta["object_id"] == "b"
    again = gather(items, name="upload", title="Your files")
    assert again.key == collection.key
    brighter = made.with_frames(made.frames + 1)
    other = gather([("a.fits", brighter)], name="upload", title="")
    assert other.stamp("a.fits") != collection.stamp("a.fits")


def test_a_stamp_tells_the_sky_and_the_kind_of_image_apart(make_sequence) -> None:
    made = make_sequence(object_id="one")
    north, south = WCS(naxis=2), WCS(naxis=2)
    south.wcs.crval = (10.0, -20.0)
    plain = replace(made, reference=None, difference=None)
    variants = [
        made,
        replace(made, wcs=north),
        replace(made, wcs=south),
        replace(plain, reference=made.frames),
        replace(plain, difference=made.frames),
        replace(plain, frames=made.frames.reshape(len(made), 32, 128)),
    ]
    stamps = {gather([("", item)], name="x", title="").stamp("one") for item in variants}
    assert len(stamps) == len(variants)


def test_copies_of_one_file_are_objects_of_their_own(make_sequence) -> None:
    made = make_sequence(object_id="one")
    collection = gather([("a", made), ("b", made)], name="upload", title="")
    assert len(set(collection.stamps.values())) == 2
    store = VerdictStore()
    store.fill(collection, [])
    assert list(store.facts(collection).index) == ["one", "one (2)"]


def test_the_store_says_what_the_classifier_says(folder, tmp_path, bundle) -> None:
    collection = open_folder(folder)
    store = VerdictStore(tmp_path / "store" / "verdicts.sqlite")
    assert store.missing(collection, bundle) == ["one", "two", "two (2)"]
    store.fill(collection, [bundle])
    assert store.missing(collection, bundle) == store.missing(collection) == []
    verdicts = store.verdicts(collection, bundle)
    for i, name in enumerate(verdicts.object_ids):
        said = predict(collection.read(str(name)), bundle)
        np.testing.assert_allclose(verdicts.nights[i], said.probabilities, rtol=1e-4)
        np.testing.assert_allclose(verdicts.vectors[i], said.embedding, atol=1e-4)
        assert verdicts.verdict[i] == said.verdict
    facts = store.facts(collection).loc["two"]
    measured = brightness_facts(extract_light_curve(collection.read("two")))
    assert facts["mag_peak"] == pytest.approx(measured["mag_peak"])
    cards = store.cards(collection, ["two (2)", "one"])
    assert [card["id"] for card in cards.values()] == ["two (2)", "one"]


def test_nothing_is_measured_twice_and_a_cut_run_goes_on(
    make_sequence, bundle, monkeypatch
) -> None:
    items = [(f"o{i}", make_sequence(nights=2, object_id=f"o{i}")) for i in range(20)]
    collection = gather(items, name="upload", title="")
    store = VerdictStore()
    store.fill(collection, [bundle], on_object=lambda done, of: False)
    left = store.missing(collection, bundle)
    assert 0 < len(left) < 20
    read = []
    monkeypatch.setattr(
        type(collection), "read", lambda self, name: read.append(name) or self.reader(name)
    )
    store.fill(collection, [bundle])
    assert read == left
    store.fill(collection, [bundle])
    assert read == left


def test_an_object_that_cannot_be_read_has_an_error_in_its_place(folder, bundle) -> None:
    collection = open_folder(folder)
    (folder / "1.fits").write_bytes(b"SIMPLE")
    store = VerdictStore()
    store.fill(collection, [bundle])
    verdicts = store.verdicts(collection, bundle)
    broken = list(verdicts.object_ids).index("two")
    assert verdicts.verdict[broken] == "" and verdicts.errors[broken]
    assert np.isnan(verdicts.confidence[broken]) and np.isnan(verdicts.final[broken]).all()
    assert (np.delete(verdicts.errors, broken) == "").all()
    assert store.facts(collection).loc["two", "error"]
    assert "error" in store.cards(collection, ["two"])["two"]


def test_a_damaged_store_is_put_aside(folder, tmp_path, bundle) -> None:
    path = tmp_path / "verdicts.sqlite"
    path.write_bytes(b"this is no database, but it is long enough to be taken for one" * 20)
    store = VerdictStore(path)
    store.fill(open_folder(folder), [bundle], object_ids=["one"])
    assert len(store.verdicts(open_folder(folder), bundle)) == 1
    assert path.with_suffix(".damaged").exists()


def test_a_store_that_cannot_be_written_says_so(tmp_path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(TaoNetError, match="cannot be opened"):
        VerdictStore(tmp_path / "file" / "verdicts.sqlite")


def test_verdicts_of_early_nights_and_of_some_objects(make_sequence, bundle) -> None:
    items = [
        (f"o{i}", make_sequence(nights=2 + i, object_id=f"o{i}", label="SN")) for i in range(3)
    ]
    blank = ImageSequence(np.full((2, 64, 64), np.nan), [1.0, 2.0], meta={"label": "CV"})
    collection = gather([*items, ("blank", blank)], name="upload", title="")
    store = VerdictStore()
    store.fill(collection, [bundle])
    verdicts = store.verdicts(collection, bundle)
    assert verdicts.n_nights.tolist() == [2, 3, 4, 0]
    assert verdicts.known.tolist() == [True, True, True, False]
    np.testing.assert_array_equal(verdicts.after(3)[0], verdicts.final[0])
    np.testing.assert_array_equal(verdicts.after(3)[2], verdicts.nights[2][2])
    some = verdicts.select([2, 0])
    assert some.object_ids.tolist() == ["o2", "o0"]
    table = some.table()
    assert table["verdict"].tolist() == some.verdict.tolist()
    np.testing.assert_allclose(table.filter(like="p_").sum(axis=1), 1)
