"""The command ``taonet explain``."""

import numpy as np
import pytest
from astropy.io import fits
from typer.testing import CliRunner

from taonet_core.cli import app
from taonet_core.explain import evidence_sentence, explain

EVENT = 4000.0 * np.repeat([0, 1], 2)  # counts, two frames a night


@pytest.fixture
def event(make_sequence):
    return make_sequence(flux=EVENT, nights=2)


def test_the_command_says_the_sentence_and_writes_the_file(event, fits_file, tmp_path):
    path, output = fits_file(event), tmp_path / "why.fits"
    run = CliRunner().invoke(app, ["explain", str(path), "--target", "SN", "-o", str(output)])
    assert run.exit_code == 0, run.output
    with fits.open(output) as file:
        assert file[0].data.shape == (2, 64, 64)
    assert "of the evidence" in run.stdout and "2 nights ->" in run.stderr
    from taonet_core import read_sequence

    sequence = read_sequence(path)
    assert evidence_sentence(explain(sequence, target="SN"), sequence) in run.stdout


@pytest.mark.parametrize("option", [["--model", "forest"], ["--target", "comet"], ["-o", "a.txt"]])
def test_what_makes_no_sense_is_wrong_usage(event, fits_file, option):
    run = CliRunner().invoke(app, ["explain", str(fits_file(event)), *option])
    assert run.exit_code == 2
    assert "Traceback" not in run.output
