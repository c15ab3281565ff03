"""Files that came together: sorted, read, and given the classes of their tables."""

from __future__ import annotations

import io
import time
import zipfile

import numpy as np
import pytest

from taonet_core.background import Work
from taonet_core.data import intake as intakes
from taonet_core.data.class_tables import read_label_table
from taonet_core.data.column_mapping import ColumnMapping
from taonet_core.data.delivery import (
    PIXELS_A_POINT,
    Chosen,
    read_delivery,
    read_label_tables,
    with_labels,
    words_of,
)
from taonet_core.data.found_tables import tables_within
from taonet_core.data.intake import NamedBytes, sort_out
from taonet_core.data.label_tables import (
    Known,
    class_words,
    guess_classes,
    match_labels,
)
from taonet_core.errors import Code, InvalidSequenceError, TaoNetError
from taonet_core.labels import TransientClass

OBJECTS = [
    Known("CSS060402:081233+123301", ("upload.zip/one/frames.fits",), 123.1375, 12.5503),
    Known("two", ("many.zip/Two.fits.gz",), 10.0, -20.0),
    Known("three", ("three.fits",)),
]
CURVE = "object_id,mjd,mag,mag_err\n" + "".join(f"a,{55000 + i},18.{i},0.1\n" for i in range(9))


def table(text: str) -> NamedBytes:
    return NamedBytes("classes.csv", text.encode())


def match(text: str, **options: object):
    return match_labels([read_label_table(table(text))], OBJECTS, **options)


@pytest.mark.parametrize(
    "row",
    [
        "object_id,class\ntwo,CV",
        "name,type\n TWO ,dwarf nova",
        "object_id,class\nTwo.fits.gz,CV",
        "file,label\nTwo.fits,CV",
        "path,label\nmany.zip/Two.fits.gz,CV",
        "ra,dec,class\n10.0005,-20.0005,CV",
        "ra,dec,class\n00:40:00.1,-20:00:01,CV",
        "object_id,ra,dec,class\nanother name,10,-20,CV",
    ],
)
def test_a_row_finds_its_object_by_name_file_or_place(row: str) -> None:
    found = match(row)
    assert found.labels == {1: TransientClass.CV}
    assert found.problems.empty


def test_a_folder_names_its_object() -> None:
    assert match("file,class\none,SN Ia").labels == {0: TransientClass.SN}


def test_every_row_without_an_object_or_a_class_is_listed() -> None:
    found = match("object_id,class\ntwo,CV\nfour,SN\nthree,SN?\nthree,\n")
    assert found.labels == {1: TransientClass.CV}
    assert dict(zip(found.problems["row"], found.problems["problem"], strict=True)) == {
        2: "no object is called so or lies there",
        3: "the class is none of the six",
        4: "no class is given",
    }


def test_of_files_the_longest_common_path_decides() -> None:
    objects = [Known(k, (f"up/{k}/frame1.fits",)) for k in "AB"] + [Known("C", ("c.fits",))]
    text = "file,class\ndata/A/frame1.fits,CV\nframe1.fits,SN\nelsewhere/c.fits,AGN\n"
    found = match_labels([read_label_table(table(text))], objects)
    assert found.labels == {0: TransientClass.CV, 2: TransientClass.AGN}
    assert list(found.problems["row"]) == [2]
    assert found.problems["problem"].iloc[0].startswith("fits several objects")


def test_a_position_tells_apart_what_the_file_does_not() -> None:
    objects = [Known(k, (f"{k}/x.fits",), 10.0 * i, 0.0) for i, k in enumerate("AB")]
    rows = read_label_table(table("file,ra,dec,class\nx.fits,10,0,CV\n"))
    assert match_labels([rows], objects).labels == {1: TransientClass.CV}


def test_all_rows_that_contradict_each_other_are_listed() -> None:
    found = match("object_id,class\ntwo,CV\ntwo,SN\ntwo,CV\ntwo,SN Ia\nthree,AGN\n")
    assert found.labels == {2: TransientClass.AGN}
    assert list(found.problems["row"]) == [1, 2, 3, 4]


def test_rows_that_disagree_give_no_class_and_rows_that_agree_do() -> None:
    found = match("object_id,class\ntwo,CV\ntwo,SN\nthree,SN Ia\nthree,supernova\n")
    assert found.labels == {2: TransientClass.SN}
    assert list(found.problems["row"]) == [1, 2]
    assert set(found.problems["problem"]) == {"rows disagree about two: CV, SN"}


def test_a_name_that_several_objects_have_serves_all_of_them() -> None:
    rows = read_label_table(table("object_id,class\ntwo,CV"))
    found = match_labels([rows], [*OBJECTS, Known("Two")])
    assert found.labels == {1: TransientClass.CV, 3: TransientClass.CV}
    assert found.report["matched"][0] == "two, Two"


def test_a_person_says_what_words_mean() -> None:
    text = "object_id,class\ntwo,galaxy\nthree,SN\n"
    words = class_words([read_label_table(table(text))], ["SN"])
    assert words == {"SN": 2, "galaxy": 1}
    assert guess_classes(words) == {"SN": TransientClass.SN, "galaxy": None}
    found = match(text, classes={"galaxy": TransientClass.NON, "SN": None})
    assert found.labels == {1: TransientClass.NON}


def test_positions_far_away_do_not_count() -> None:
    text = "ra,dec,class\n10.01,-20,CV\n"
    assert match(text).labels == {}
    assert match(text, radius_arcsec=60).labels == {1: TransientClass.CV}


def test_a_table_needs_a_class_and_an_object() -> None:
    with pytest.raises(InvalidSequenceError, match="columns there are: a, b"):
        read_label_table(table("a,b\n1,2\n"))
    mapping = ColumnMapping("labels", {"label": "b", "object_id": "a"})
    assert read_label_table(table("a,b\n1,2\n"), mapping).rows["text"].tolist() == ["2"]


def packed(**files: bytes | str) -> NamedBytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name, content in files.items():
            archive.writestr(name.replace("__", "/").replace("_dot_", "."), content)
    return NamedBytes("all.zip", out.getvalue())


def test_images_tables_and_what_is_neither_are_told_apart(fits_file) -> None:
    image = fits_file().read_bytes()
    archive = packed(a_dot_fits=image, sub__b_dot_fits=image, c_dot_csv="object_id,class\na,SN\n")
    empty = NamedBytes("empty.csv", b"")
    found = sort_out([archive, NamedBytes("one.csv", CURVE.encode()), empty])
    assert found.images[0] is archive and found.image_count == 2
    uses = {group.name: (group.guess.mapping.use, group.guess.certain) for group in found.tables}
    assert uses == {"c.csv": ("labels", True), "one.csv": ("curves", True)}
    assert [name for name, _ in found.refused] == ["empty.csv"]


def test_tables_with_the_same_columns_are_asked_about_once() -> None:
    archive = packed(x_dot_csv=CURVE, y_dot_csv=CURVE, readme_dot_txt="just words\n")
    found = sort_out([archive])
    assert found.images == [] and [len(group.files) for group in found.tables] == [2, 1]
    assert found.tables[0].name == "x.csv and 1 more like it"
    assert [group.offered for group in found.tables] == [True, False]


@pytest.mark.parametrize("trusted", [False, True])
def test_tables_of_archives_have_a_budget_in_all(monkeypatch, trusted: bool) -> None:
    """The table beyond it is refused, and none of that archive after it; images still count."""
    monkeypatch.setattr(intakes, "MAX_TABLE_BYTES", 500_000)
    large = CURVE + "a,56000,18.5,0.1\n" * 6_000  # 100 kB, and 200 kB of it are shown
    tables = {f"{letter}_dot_csv": large for letter in "abcdefgh"}
    archive = packed(**tables, z_dot_csv=CURVE, x_dot_fits=b"")
    beside = NamedBytes("beside.csv", 6 * large.encode())
    found = sort_out([archive, beside], trusted=trusted)
    kept = [file for group in found.tables for file in group.files]
    unpacked = sum(file.size for file in kept if file is not beside)
    assert beside in kept and 100_000 < unpacked <= 500_000
    [(name, error)] = found.refused
    assert name.endswith(".csv") and error.code is Code.SIZE
    assert "send them on their own" in str(error)
    assert found.images == [archive, beside] and found.image_count == 1


def test_what_a_worker_unpacks_is_bounded_by_what_is_left() -> None:
    archive = packed(a_dot_csv=CURVE, b_dot_csv=CURVE, c_dot_csv=CURVE, x_dot_fits=b"")
    *found, images = tables_within(archive, "all.zip", most=len(CURVE))
    assert [table.name for table in found] == ["a.csv", "b.csv"] and images == 1
    assert found[0].data == CURVE.encode() and not found[1].data
    assert found[1].preview.code is Code.SIZE


def test_tables_of_other_units_or_another_clock_are_asked_about_apart() -> None:
    """One answer for both would be 15 magnitudes or 2,400,000 days wrong."""
    from astropy.table import Table

    def flux(unit: str) -> NamedBytes:
        out = io.BytesIO()
        days = 55000.0 + np.arange(9)
        made = Table({"mjd": days, "flux": np.full(9, 2.0), "flux_err": np.full(9, 0.1)})
        made["flux"].unit = made["flux_err"].unit = unit
        made.write(out, format="votable")
        return NamedBytes(f"{unit}.vot", out.getvalue())

    found = sort_out([flux("mJy"), flux("nJy"), flux("mJy")]).tables
    assert [len(group.files) for group in found] == [2, 1]
    assert [group.guess.mapping.zero_point for group in found] == pytest.approx([16.4, 31.4])
    julian = CURVE.replace(",55", ",2455")
    files = [NamedBytes("a.csv", CURVE.encode()), NamedBytes("b.csv", julian.encode())]
    assert [group.guess.mapping.clock for group in sort_out(files).tables] == ["mjd", "jd"]


@pytest.mark.parametrize(
    ("text", "offered"),
    [
        ("what,kind\nx,SN Ia\n", True),
        ("column,names\n1,2\n", False),
        ("c1,c2,c3\n1,abc,13.7\n2,xy,16.7\n", False),
        ("when,mag\n55000,18.1\n", True),
    ],
)
def test_only_what_may_be_light_curves_or_classes_is_asked_about(text: str, offered: bool) -> None:
    [group] = sort_out([table(text)]).tables
    assert group.offered == offered


def test_a_fits_file_without_images_is_a_table(fits_file) -> None:
    from astropy.table import Table

    out = io.BytesIO()
    Table({"name": ["a"], "class": ["SN"]}).write(out, format="fits")
    found = sort_out([NamedBytes("classes.fits", out.getvalue())])
    assert [group.guess.mapping.use for group in found.tables] == ["labels"]
    deep_tao = NamedBytes("object.fits", fits_file().read_bytes())
    assert sort_out([deep_tao]).image_count == 1


def chosen(intake):
    return [Chosen(group, group.guess.mapping) for group in intake.tables]


def test_a_delivery_is_read_with_its_classes(fits_file, make_sequence) -> None:
    """A table of classes has the last word, and words of light curves count too."""
    image = fits_file(make_sequence(object_id="x", label="CV")).read_bytes()
    curve = CURVE.replace("mag_err", "mag_err,type").replace(",0.1", ",0.1,SN Ia")
    files = [NamedBytes("x.fits", image), NamedBytes("curve.csv", curve.encode())]
    intake = sort_out([*files, table("name,class\nx,quasar\n"), NamedBytes("bad.fits", b"")])
    tables, refused = read_label_tables(chosen(intake))
    items = list(read_delivery(intake, chosen(intake)))
    words = words_of(tables, items)
    labelled, match = with_labels(items, tables, guess_classes(words))
    assert not refused and words == {"quasar": 1, "SN Ia": 1}
    assert {name: item.meta["label"] for name, item in labelled} == {"x.fits": "AGN", "a": "SN"}
    assert "the class AGN of the table stands in for CV" in labelled[0][1].meta["notes"][-1]
    assert match.problems.empty and len(items) == 3


def test_a_delivery_is_bounded(fits_file, make_sequence) -> None:
    paths = [fits_file(make_sequence(nights=2, object_id=n), name=f"{n}.fits") for n in "abc"]
    intake = sort_out([NamedBytes(p.name, p.read_bytes()) for p in paths])
    items = list(read_delivery(intake, [], most_pixels=2 * 4 * 64 * 64))
    assert [isinstance(item, TaoNetError) for _, item in items] == [False, False, True]
    assert "c.fits and what follows were not read" in str(items[-1][1])
    assert items[-1][1].code is Code.SIZE


def test_light_curves_count_in_a_delivery_too() -> None:
    files = [NamedBytes(f"{n}.csv", CURVE.replace("a,", f"{n},").encode()) for n in "xyz"]
    intake = sort_out(files)
    items = list(read_delivery(intake, chosen(intake), most_pixels=2 * 9 * PIXELS_A_POINT))
    assert [name for name, _ in items] == ["x", "y", "z"]
    assert [isinstance(item, TaoNetError) for _, item in items] == [False, False, True]
    assert items[-1][1].code is Code.SIZE


@pytest.mark.data
def test_real_sequences_with_the_table_beside_them(real_data) -> None:
    folder = real_data / "ztf" / "sequences"
    paths = sorted((folder / "ZTF18adljlvp").glob("*.fits.gz"))
    files = [NamedBytes(p.name, p.read_bytes()) for p in paths]
    table = NamedBytes("frames.csv", (folder / "frames.csv").read_bytes())
    found = sort_out([*files, table])
    assert len(found.images) == 16  # the table tells the times of the frames, too
    assert found.tables[0].guess.mapping.use == "labels"
    objects = [Known("ZTF18adljlvp"), Known("ZTF21abiuvdk")]
    labels = match_labels([read_label_table(table)], objects).labels
    assert labels == {0: TransientClass.BZ, 1: TransientClass.SN}


def wait(work: Work) -> Work:
    assert work.start().wait(10)
    return work


def test_work_reports_and_ends() -> None:
    seen: list[bool] = []

    def steps(work: Work) -> None:
        for i in range(3):
            seen.append(work.report(i + 1, 3, f"object {i}"))

    work = wait(Work(steps))
    assert seen == [True] * 3 and (work.done, work.total, work.now) == (3, 3, "object 2")
    assert not (work.running or work.failed or work.cancelled)
    assert work.seconds_left == 0


def test_cancelled_work_stops_after_its_step() -> None:
    def steps(work: Work) -> None:
        while work.report(work.done + 1):
            time.sleep(0.001)

    work = Work(steps).start()
    assert not work.wait(0.02)
    work.cancel()
    assert work.wait(10) and work.cancelled and not work.failed and work.done > 1


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_work_that_breaks_down_says_so() -> None:
    def steps(work: Work) -> None:
        raise ZeroDivisionError

    assert wait(Work(steps)).failed
