"""Explanations as files, and the command that writes them."""

import io

import numpy as np
import pytest
from astropy.io import fits
from astropy.wcs import WCS
from makers import wcs_cards
from typer.testing import CliRunner

from taonet_core.cli import app
from taonet_core.data.evidence_fits import evidence_bytes
from taonet_core.data.sequence import ImageSequence
from taonet_core.explain import evidence_sentence, explain

EVENT = 4000.0 * np.repeat([0, 1], 2)  # counts, two frames a night


@pytest.fixture
def event(make_sequence):
    return make_sequence(flux=EVENT, nights=2, size=80)


def test_the_file_holds_the_evidence_where_it_lies_on_the_sky(event):
    wcs = WCS(fits.Header(wcs_cards(40, 40)))
    sequence = ImageSequence(event.frames, event.times, wcs, event.meta, event.columns)
    found = explain(sequence, target="SN", against="CV", steps=8)
    with fits.open(io.BytesIO(evidence_bytes(found, sequence)), checksum=True) as file:
        cube, nights, frames = file["EVIDENCE"], file["NIGHTS"].data, file["FRAMES"].data
        np.testing.assert_array_equal(cube.data, found.values)
        place = WCS(cube.header, naxis=2).wcs_world2pix([[120.0, 10.0]], 0)
        np.testing.assert_allclose(place, [[32, 32]], atol=1e-6)
        assert (cube.header["TARGET"], cube.header["AGAINST"]) == ("SN", "CV")
        assert cube.header["SUMDELTA"] == pytest.approx(found.delta)
        np.testing.assert_allclose(nights["EVIDENCE"], found.per_night)
        assert frames["NIGHT"].tolist() == [0, 0, 1, 1]


def test_the_command_says_the_sentence_and_writes_the_file(event, fits_file, tmp_path):
    path, output = fits_file(event), tmp_path / "why.fits"
    run = CliRunner().invoke(app, ["explain", str(path), "--target", "SN", "-o", str(output)])
    assert run.exit_code == 0, run.output
    with fits.open(output) as file:
        assert file["EVIDENCE"].data.shape == (2, 64, 64)
    assert "of the evidence" in run.stdout and "2 nights ->" in run.stderr
    from taonet_core import read_sequence

    sequence = read_sequence(path)
    assert evidence_sentence(explain(sequence, target="SN"), sequence) in run.stdout


@pytest.mark.parametrize("option", [["--model", "forest"], ["--target", "comet"]])
def test_what_makes_no_sense_is_wrong_usage(event, fits_file, option):
    run = CliRunner().invoke(app, ["explain", str(fits_file(event)), *option])
    assert run.exit_code == 2
    assert "Traceback" not in run.output
