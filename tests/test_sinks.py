"""Where pages show text: nothing there takes text from outside for markup, read from the source."""

import ast
import re
from pathlib import Path

import pandas as pd
import pytest

from pages._tables import readable

ROOT = Path(__file__).resolve().parents[1]
PAGES = sorted((ROOT / "pages").rglob("*.py")) + [ROOT / "app.py"]
SCRIPTS = sorted((ROOT / "pages").rglob("*.js"))
#: Elements of Streamlit whose words, or help, are Markdown.
MARKDOWN = {
    *("button", "caption", "checkbox", "download_button", "error", "expander", "header", "image"),
    *("info", "link_button", "markdown", "metric", "number_input", "page_link", "pills", "popover"),
    *("progress", "segmented_control", "selectbox", "slider", "spinner", "subheader", "success"),
    *("tabs", "text_input", "title", "toast", "toggle", "warning"),
}
#: What holds text from outside, by the name it has here.
OUTSIDE = {
    *("archive", "author", "bands", "class_text", "content", "error", "file", "meta", "note"),
    *("object_id", "query_params", "reason", "source", "text", "why"),
}
#: The only elements that take HTML: of our own words, see each.
HTML = {"pages/_ui.py": 1, "pages/_labels/badges.py": 2, "pages/_browse/state.py": 1}


def calls(path):
    """Yield the calls of methods in a file."""
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            yield node


def spelled(node):
    """Yield the names in an expression, but for what is escaped, or a number with a format."""
    if isinstance(node, ast.Call):
        called = node.func.attr if isinstance(node.func, ast.Attribute) else node.func.id
        if called in ("plain", "len"):
            return
    if isinstance(node, ast.FormattedValue) and node.format_spec is not None:
        return
    if isinstance(node, ast.Attribute):
        yield node.attr
    if isinstance(node, ast.Name):
        yield node.id
    for inner in ast.iter_child_nodes(node):
        yield from spelled(inner)


def words_of(call):
    """Return what a call says: its first argument, and what is said by name."""
    first = call.args[1:] if call.func.attr == "progress" else call.args[:1]
    return [*first, *(k.value for k in call.keywords if k.arg in ("help", "label", "caption"))]


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_no_text_from_outside_is_markdown(path):
    for call in calls(path):
        if call.func.attr in MARKDOWN:
            bare = {name for words in words_of(call) for name in spelled(words)} & OUTSIDE
            assert not bare, f"line {call.lineno}: {bare} without plain()"


def test_the_rule_knows_what_is_escaped():
    said = ast.parse('f"{plain(object_id)} {len(note)} {error:.3f} {meta}"', mode="eval")
    assert set(spelled(said)) & OUTSIDE == {"meta"}


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_html_is_written_in_few_places_and_tables_in_one(path):
    name, text = path.relative_to(ROOT).as_posix(), path.read_text("utf-8")
    assert text.count("st.html(") == HTML.get(name, 0)
    assert not re.search(r"unsafe_allow|st\.(write|table|json|iframe)\(|components\.v1", text)
    if name != "pages/_tables.py":
        assert "st.dataframe(" not in text
        for call in calls(path):
            if call.func.attr == "data_editor":
                assert ast.unparse(call.args[0]).startswith("readable(")


def test_every_csv_goes_through_the_guard_against_formulas():
    core = (ROOT / "taonet_core").rglob("*.py")
    written = {p.name for p in core if re.search(r"to_csv\(|csv\.writer\(", p.read_text("utf-8"))}
    # those of the second are of the simulator, and the third is for programs alone
    assert written == {"exports.py", "examples.py", "train.py"}


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_no_script_makes_markup_or_code_of_text(path):
    forbidden = (
        r"(inner|outer)HTML|insertAdjacent|document\.write|srcdoc|DOMParser|\beval\(|Function\("
    )
    assert not re.search(forbidden, path.read_text("utf-8"))


def test_a_table_on_screen_shows_everything_and_can_be_copied():
    table = pd.DataFrame(
        {"a\u202e": ["=1", "x\n\x1b[2J", "y" * 2000], "n": [-1.5, 2.0, 3.0], "=1": [None, 3, "-x"]}
    )
    seen = readable(table)
    assert list(seen.columns) == ["a\\u202e", "n", "'=1"]
    assert seen.iloc[:, 0].tolist() == ["'=1", "x\\n\\x1b[2J", "y" * 999 + "…"]
    assert seen["n"].tolist() == [-1.5, 2.0, 3.0]
    assert seen["'=1"].tolist() == [None, 3, "'-x"]
    assert table.columns[0] == "a\u202e" and table.iloc[0, 0] == "=1"


def test_columns_that_look_alike_stay_apart():
    table = pd.DataFrame([[1, 2]], columns=["x" * 300, "x" * 301])
    assert list(readable(table).columns) == ["x" * 199 + "…", "x" * 199 + "… (2)"]
