"""Makers shared by the tests: random numbers, cheap sequences, FITS files."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import browser
import numpy as np
import pytest

from taonet_core.data.fits_io import write_sequence
from taonet_core.data.sequence import ImageSequence

# Before PyTorch is loaded, here and in what tests start: on a busy machine, threads that wait for
# each other take fifty times as long as one alone.
os.environ.setdefault("OMP_NUM_THREADS", "1")

SequenceMaker = Callable[..., ImageSequence]


@pytest.fixture(autouse=True)
def own_main() -> Iterator[None]:
    """Put back the main module that Streamlit replaces: processes that are started import it."""
    main = sys.modules["__main__"]
    yield
    sys.modules["__main__"] = main


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(1)


@pytest.fixture
def make_sequence(rng: np.random.Generator) -> SequenceMaker:
    """Make a cheap CRTS-like sequence: sky noise, and a Gaussian source if `flux` is given.

    Whole counts, 64 x 64 pixels, `visits` frames 10 minutes apart on each of `nights` nights.
    """

    def make(
        *,
        nights: int = 6,
        visits: int = 2,
        size: int = 64,
        flux: float | np.ndarray = 0.0,
        fwhm: float = 2.5,
        sky: float = 2000.0,
        noise: float = 20.0,
        centre: tuple[float, float] | None = None,
        band: str = "clear",
        **meta: object,
    ) -> ImageSequence:
        times = np.add.outer(53_800.2 + 10.0 * np.arange(nights), np.arange(visits) / 144).ravel()
        frames = rng.normal(sky, noise, (times.size, size, size))
        x, y = centre or (size // 2, size // 2)
        sigma = fwhm / 2.3548
        columns, rows = np.meshgrid(np.arange(size), np.arange(size))
        profile = np.exp(-((columns - x) ** 2 + (rows - y) ** 2) / (2 * sigma**2))
        profile /= 2 * np.pi * sigma**2
        frames += np.broadcast_to(flux, times.shape)[:, None, None] * profile
        known = {
            "object_id": "CSS060402:081233+123301",
            "ra": 123.1375,
            "dec": 12.55028,
            "label": "SN",
            "survey": "CRTS",
            "pixel_scale": 2.5,
            "zero_point": 26.0,
            "saturation": 27_000.0,
            "time_kind": "mjd",
            "notes": [],
            "dropped": [],
        }
        columns_ = {"band": np.full(times.size, band)}
        return ImageSequence(np.rint(frames), times, None, known | meta, columns_)

    return make


@pytest.fixture
def fits_file(tmp_path: Path, make_sequence: SequenceMaker) -> Callable[..., Path]:
    """Write a sequence (a made one by default) to a FITS file and return its path."""

    def write(
        sequence: ImageSequence | None = None,
        *,
        name: str = "object.fits",
        layout: str = "deep-tao",
    ) -> Path:
        return write_sequence(sequence or make_sequence(), tmp_path / name, layout=layout)

    return write


@pytest.fixture(scope="session")
def real_data() -> Path:
    """Folder of real data, from the environment variable TAONET_REAL_DATA."""
    folder = os.environ.get("TAONET_REAL_DATA")
    if not folder:
        pytest.skip("real data are not here; set TAONET_REAL_DATA to their folder")
    return Path(folder)


@pytest.fixture(scope="session")
def app_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of all that the app under `address` keeps."""
    return tmp_path_factory.mktemp("app")


@pytest.fixture(scope="session")
def address(app_folder: Path) -> Iterator[str]:
    """Address of the app, one server a test session, with a few objects and small models."""
    with browser.served(app_folder) as url:
        yield url


@pytest.fixture(scope="session")
def chromium() -> Iterator[Any]:
    """One Chromium a test session."""
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    if not browser.CHROMIUM.exists():
        pytest.skip(f"there is no {browser.CHROMIUM}")
    with playwright.sync_playwright() as api:
        started = api.chromium.launch(
            executable_path=str(browser.CHROMIUM), args=browser.FLAGS.split()
        )
        yield started
        started.close()


@pytest.fixture
def page(chromium: Any, address: str) -> Iterator[Any]:
    """Open a window that may talk to the app alone, and in which no script may fail."""
    with browser.window(chromium, address) as window:
        yield window


@pytest.fixture
def blank(chromium: Any) -> Iterator[Any]:
    """Open an empty window, for what needs no server; no script may complain."""
    with browser.window(chromium, "") as window:
        yield window


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    """Place of the demo set, and weights of one small untrained network: no other model exists."""
    import torch

    from taonet_core.labels import SIX_CLASSES
    from taonet_core.models.taonet import TAONet, TAONetConfig
    from taonet_core.models.weights import ModelBundle, save_model
    from taonet_core.transforms.preprocess import PreprocessConfig

    torch.manual_seed(0)
    config = TAONetConfig(widths=(4, 4, 4, 4), embedding=8, hidden=8)
    network, settings = TAONet(config).eval(), PreprocessConfig()
    bundle = ModelBundle("taonet", "0.0", "taonet", SIX_CLASSES, network, config, settings, {})
    place = tmp_path_factory.mktemp("weights")
    save_model(bundle, place)
    return tmp_path_factory.mktemp("demo"), place


#: Modules that damage, kill and crowd for minutes; the commands of benchmarks/reliability in short.
_LONG = {
    *("test_reliability_alerts", "test_reliability_cost", "test_reliability_fuzz"),
    *("test_reliability_load", "test_reliability_training", "test_equivalence"),
    "test_browser_text",
}


def pytest_collection_modifyitems(items):
    """Leave out what takes long, unless TAONET_RELIABILITY is set, as the CI does."""
    if os.environ.get("TAONET_RELIABILITY"):
        return
    left_out = pytest.mark.skip(reason="takes minutes; set TAONET_RELIABILITY=1 to run it")
    for item in items:
        if item.path.stem in _LONG:
            item.add_marker(left_out)
