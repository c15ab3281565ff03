"""The code that a page offers runs, and says what the page says."""

import ast
import contextlib
import io
import shlex
import shutil
import subprocess
from pathlib import Path

import pandas as pd
import pytest
from typer.testing import CliRunner

from taonet_core.cli import app
from taonet_core.data.fits_io import read_sequence, read_sequences, write_sequence
from taonet_core.data.tables import read_light_curves
from taonet_core.inference import predict
from taonet_core.plain_text import literal
from taonet_core.simulation.dataset import simulate_dataset
from taonet_core.snippets import Recipe, Shown, python_code, shell_code


def python(shown):
    """Run the Python; return what it prints and the names it leaves."""
    names, out = {}, io.StringIO()
    with contextlib.redirect_stdout(out):
        exec(compile(python_code(shown), "snippet", "exec"), names)
    return out.getvalue(), names


def shell(shown):
    """Run the commands, one after the other, and return the table they leave."""
    for line in shell_code(shown).replace("\\\n", " ").splitlines():
        words = shlex.split(line)
        assert words[0] == "taonet"
        run = CliRunner().invoke(app, words[1:])
        assert run.exit_code == 0, run.output
    return pd.read_csv("verdict.csv").iloc[0]


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_a_file_of_ones_own(folder, make_sequence):
    sequence = make_sequence(nights=5, flux=2e4, object_id='a "name" of $HOME')
    path = write_sequence(sequence, folder / "my file's.fits", layout="mef")
    said = predict(read_sequence(path), "forest", priors={"SN": 0.1})
    shown = Shown(
        sequence.object_id,
        path.name,
        model="forest",
        night=4,
        row=2,
        priors={"SN": 0.1},
        images=True,
    )
    printed, names = python(shown)
    assert f"{said.verdict} {said.confidence}" in printed
    first = f"{said.classes[0]} {said.probabilities[2][0]:.3f}"
    assert first in printed.splitlines()
    assert len(names["prediction"].probabilities) == 5
    row = shell(shown)
    assert row["class_name"] == said.verdict
    assert row[f"p_{said.verdict}"] == pytest.approx(said.confidence, abs=1e-6)


def test_one_of_several_objects(folder, make_sequence):
    for name in ("one", "two"):
        write_sequence(make_sequence(object_id=name, flux=1e4), folder / "set" / f"{name}.fits")
    shown = Shown("two", "set", model="forest", several=True)
    _, names = python(shown)
    assert names["source"].object_id == "two"
    assert names["prediction"].meta["object_id"] == "two"


@pytest.mark.parametrize("kind", ["zip", "gztar"])
def test_one_file_of_an_archive(folder, make_sequence, kind):
    for name in ("one", "two"):
        write_sequence(make_sequence(object_id="same", flux=1e4), folder / "set" / f"{name}.fits")
    path = Path(shutil.make_archive("all", kind, "set")).name
    [_, two] = sorted((read.meta["archive"], name) for name, read in read_sequences(path))
    assert two == (path, "two.fits")
    why = {"method": "saliency", "target": None, "against": None, "baseline": "sky", "steps": 8}
    shown = Shown("same", path, model="forest", member="two.fits", why=why)
    made = Shown("same", path, model="forest", member="two.fits")
    _, names = python(made)
    assert names["source"].meta["source"] == "two.fits"
    assert shell(made)["model"] == "forest"
    *_, said, explain = shell_code(shown).splitlines()
    assert said.startswith("#") and explain.startswith("taonet explain two.fits ")


def test_a_light_curve_of_a_table(folder):
    rows = [f"{name},{55000 + i},{18 + i % 3 / 10},0.1" for name in "ab" for i in range(30)]
    (folder / "curves.csv").write_text("\n".join(["object_id,mjd,mag,mag_err", *rows]))
    said = predict(read_light_curves(folder / "curves.csv")["b"], "forest")
    shown = Shown("b", "curves.csv", model="forest", images=False, several=True)
    printed, names = python(shown)
    assert f"{said.verdict} {said.confidence}" in printed
    assert names["source"].meta["object_id"] == "b"
    assert shell(shown)["model"] == "forest"


def test_an_object_of_the_demo_set_is_drawn_again(folder):
    """The object that is drawn is that of the file, pixel by pixel."""
    made = simulate_dataset(folder / "set", per_class=2, visibility=0.8, seed=3, classes=["CV"])
    path = sorted(made.rglob("*.fits"))[-1]
    sequence = read_sequence(path)
    recipe = Recipe("crts", 2, 0.8, 3, "CV")
    _, names = python(Shown(sequence.object_id, model="forest", recipe=recipe))
    assert (names["source"].frames == sequence.frames).all()
    code = shell_code(Shown(sequence.object_id, recipe=recipe))
    draw, ask = code.replace("\\\n    ", "").splitlines()
    run = CliRunner().invoke(app, [*shlex.split(draw)[1:], "--help"])
    assert run.exit_code == 0 and "--per-class 2 --survey crts --visibility 0.8 --seed 3" in draw
    assert shlex.split(ask)[2] == f"demo/data/CV/{path.name}"


def test_an_explanation_is_asked_for_as_on_screen(folder, make_sequence):
    write_sequence(make_sequence(nights=2, flux=2e4), folder / "x.fits")
    why = {"method": "saliency", "target": "SN", "against": None, "baseline": "sky", "steps": 8}
    code = python_code(Shown("x", "x.fits", why=why))
    assert "from taonet_core.explain import explain" in code
    call = "explain( source, model='taonet', method='saliency', target='SN', against=None, "
    assert f"{call}baseline='sky', steps=8, )" in " ".join(code.split())
    *_, explain = shell_code(Shown("x", "x.fits", why=why)).splitlines()
    run = CliRunner().invoke(app, shlex.split(explain)[1:])
    assert run.exit_code == 0, run.output
    assert (folder / "evidence.fits").exists()


NAMES = [
    "'; rm -rf ~; '",
    "$(id)",
    "-o",
    "a\nb",
    "`x`",
    '"',
    "a\x1b[201~\nid\n",
    "\u202etxt.fits",
    "שלום.fits",
    "!!",
]


@pytest.mark.parametrize("name", NAMES, ids=ascii)
def test_a_file_name_stays_a_name(name):
    code = python_code(Shown(name, name, several=True))
    compile(code, "snippet", "exec")
    assert literal(name) in code and ast.literal_eval(literal(name)) == name
    shell = shell_code(Shown(name, name))
    assert (code + shell).replace("\n", "").isprintable()  # a terminal obeys nothing that is pasted


@pytest.mark.parametrize("name", NAMES, ids=ascii)
@pytest.mark.skipif(shutil.which("bash") is None, reason="there is no bash")
def test_a_shell_reads_a_file_name_as_one_word(name):
    print_words = "taonet() { printf '%s\\0' \"$@\"; }\n"
    code = print_words + shell_code(Shown(name, name))
    words = subprocess.run(["bash", "-c", code], capture_output=True, check=True).stdout.split(
        b"\0"
    )
    assert words[0] == b"predict" and words[1].decode().removeprefix("./") == name
