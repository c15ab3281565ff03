"""Real image sequences of the Zwicky Transient Facility through the upload page, one by one."""

import io
import zipfile

import pandas as pd
import pytest
from browser import comes_true, cursors, now, pixels

SEQUENCES = [
    "ZTF18adljlvp",
    "ZTF19abegmle",
    "ZTF20abfcszi",
    "ZTF21abiuvdk",
    "ZTF22aakyeps",
    "ZTF25abixhdc",
]


def packed(folder, name):
    """Return one object as a zip: its stamps, and the lines of the table that are its own."""
    table = pd.read_csv(folder / "frames.csv", dtype=str)
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for path in sorted((folder / name).glob("*.fits.gz")):
            archive.write(path, f"{name}/{path.name}")
        archive.writestr(f"{name}/frames.csv", table[table.objectId == name].to_csv(index=False))
    return buffer.getvalue(), int((table.objectId == name).sum())


@pytest.mark.data
@pytest.mark.parametrize("name", SEQUENCES)
def test_a_real_sequence_is_shown_and_judged(page, address, real_data, name):
    contents, count = packed(real_data / "ztf" / "sequences", name)
    page.goto(f"{address}/upload")
    file = {"name": f"{name}.zip", "mimeType": "application/zip", "buffer": contents}
    page.set_input_files("input[type=file]", file)
    page.locator(".viewer .curve svg").wait_for(timeout=60_000)
    assert page.locator(".subject h2").inner_text() == name
    assert page.locator("button.verdict").count() >= 1
    page.locator(".player").click(position={"x": 2, "y": 2})
    page.keyboard.press("Home")
    first, start = pixels(page, "science"), cursors(page)
    assert f"frame 1 of {count}" in now(page) and "MJD" in now(page)
    page.keyboard.press("End")
    assert comes_true(page, lambda: f"frame {count} of {count}" in now(page))
    assert (pixels(page, "science") != first).any()
    assert all(a != b for a, b in zip(start, cursors(page), strict=True))
    switches = page.locator(".curve .switch text").all_text_contents()
    assert {text.split()[0] for text in switches} == {"g", "r"}
