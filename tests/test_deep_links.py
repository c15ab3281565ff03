"""Addresses that somebody made up: every page answers with what it has, or says that it has not."""

import re

import pytest
from streamlit.testing.v1 import AppTest
from test_pages import APP

from pages import _data as data
from pages import _ui as ui
from taonet_core.models import weights

PAGES = ("browse", "sequence", "explain", "compare", "misclassified", "performance", "upload")
# Everything that a page reads from an address.
PARAMETERS = (
    "object", "data", "night", "model", "method", "target", "against", "truth", "verdict", "page",
    "search", "q", "sort", "view", "radius", "nights", "mag", "mjd", "sky", "a", "b", "va", "vb",
    "set", "show", "walk", "author", "baseline", "saved", "name",
)  # fmt: skip
HOSTILE = {
    "traversal": "../../etc/passwd",
    "sql": "1 OR 1=1; DROP TABLE labels --",
    "markup": "<img src=x onerror=alert(1)>[x](javascript:alert(1)) $\\href{x}{y}$ :red[x]",
    "long": "A" * 100_000,
    "control": "\x00\x1b[2J\r\n\u202e\ufeff",
    "number": "-" + "9" * 400,
    "float": "nan",
    "unknown": "0123456789abcdef",
    "repeated": ["1", "x", "1"],
}
# Something that would be taken for markup, and is not escaped.
MARKUP = re.compile(r"(?<!\\)(<img|\[x\]\(|\$\\href|:red\[)|[\x00\x1b\u202e]|A{2000}|root:")


@pytest.fixture(scope="module")
def place(folders):
    """Prepare one demo set and one model for all the addresses."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(data, "ROOT", folders[0])
        patch.setattr(data, "PER_CLASS", 1)
        patch.setattr(weights, "WEIGHTS_FOLDER", folders[1])
        ui.bundle.clear()
        yield AppTest.from_file(str(APP), default_timeout=60).run()
        ui.bundle.clear()


def opened(app, page, parameters):
    """Follow an address in a window that is open already."""
    app.query_params.clear()
    for key in ("data", "last", "listing"):
        if key in app.session_state:
            del app.session_state[key]
    app.query_params.update(parameters)
    return app.switch_page(f"pages/{page}.py").run()


def unharmed(app):
    assert not app.exception, [e.value for e in app.exception]
    kinds = (app.title, app.header, app.subheader, app.caption, app.markdown, app.error, app.info)
    said = "\n".join(str(e.value) for kind in (*kinds, app.warning) for e in kind)
    assert "Traceback" not in said and not MARKUP.search(said), MARKUP.search(said)
    return app


def addresses(shift):
    """Give every parameter a hostile value, each another, in a data set that is there."""
    values = list(HOSTILE.values())
    given = {name: values[(i + shift) % len(values)] for i, name in enumerate(PARAMETERS)}
    return {**given, "data": "demo"}


@pytest.mark.parametrize("page", PAGES)
def test_hostile_parameters_do_no_harm(place, page):
    for shift in range(PAGES.index(page) % 3, len(HOSTILE), 3):  # on some page, all of them
        unharmed(opened(place, page, addresses(shift)))


@pytest.mark.parametrize("value", ["upload", *HOSTILE.values()], ids=["upload", *HOSTILE])
def test_a_data_set_of_another_session_or_of_nobody_is_not_here(place, value):
    app = unharmed(opened(place, "browse", {"data": value}))
    assert app.title[-1].value == "Not here"
