"""A zip and its table of classes in a real browser: columns, progress, cancel, and all the rest."""

import io
import zipfile

import pytest
from browser import comes_true

OBJECTS = 16


@pytest.fixture
def files(fits_file, make_sequence, tmp_path):
    """Return a zip of many objects, and a table of their classes whose columns are in doubt."""
    # long enough that a click comes in time; without a name of its own, it is named after the file
    made = make_sequence(nights=25, visits=4, object_id=None, label=None, flux=3000.0)
    content = fits_file(made, layout="mef").read_bytes()
    packed, rows = io.BytesIO(), ["target name,my kind"]
    with zipfile.ZipFile(packed, "w") as archive:
        for i in range(OBJECTS):
            archive.writestr(f"all/object{i:02}.fits", content)
            rows.append(f"object{i:02},{'SN Ia' if i % 2 else 'dwarf nova'}")
    (tmp_path / "all.zip").write_bytes(packed.getvalue())
    (tmp_path / "kinds.csv").write_text("\n".join([*rows, "nowhere,QSO"]))
    return [str(tmp_path / name) for name in ("all.zip", "kinds.csv")]


def choose(page, label, option):
    """Pick an option of a box by its words."""
    page.get_by_role("combobox", name=label).click()
    page.get_by_role("option", name=option, exact=True).click()


def test_a_zip_with_classes_from_columns_to_performance(page, address, files):
    page.goto(f"{address}/upload")
    page.set_input_files("input[type=file]", files)
    button = page.get_by_role("button", name="Use these columns")
    button.wait_for(timeout=90_000)
    assert page.get_by_text("'my kind' looks like the class; is it?").count() == 1
    choose(page, "Object", "target name")
    assert comes_true(page, button.is_enabled)
    button.click()

    page.get_by_text("Classifying:").wait_for(timeout=90_000)
    page.get_by_role("button", name="Cancel").click()
    page.get_by_role("button", name="Go on").wait_for(timeout=90_000)
    assert page.get_by_text(f"{OBJECTS} objects read").count() == 1
    page.get_by_role("button", name="Go on").click()
    page.get_by_role("link", name="Performance on your classes").wait_for(timeout=90_000)
    assert page.get_by_text("1 row not used").count() == 1

    page.get_by_role("link", name="Performance on your classes").click()
    page.wait_for_url("**/performance?**data=upload**", timeout=90_000)
    page.get_by_text("Accuracy").first.wait_for(timeout=90_000)
    page.get_by_role("link", name="Browse", exact=True).click()
    page.locator(".gallery-cards .card").first.wait_for(timeout=90_000)
    page.get_by_role("link", name="Upload", exact=True).click()
    page.get_by_text(f"{OBJECTS} objects read").wait_for(timeout=90_000)


def test_first_visit_to_a_verdict_in_three_clicks(page, address):
    page.goto(f"{address}/upload")  # one click on Upload
    page.get_by_role("button", name="one object").click()
    page.locator("button.verdict").first.wait_for(timeout=90_000)
    page.set_viewport_size({"width": 390, "height": 844})
    page.wait_for_timeout(300)
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
