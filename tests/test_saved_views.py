"""Saved views: kept by name in a file, whatever state it is in."""

from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from functools import partial
from multiprocessing import get_context

import pytest

from taonet_core.data.saved_views import LONGEST, MOST, read_views, remove_view, save_view
from taonet_core.errors import TaoNetError


def test_views_are_kept_replaced_and_removed(tmp_path):
    path = tmp_path / "folder" / "views.json"
    assert read_views(path) == {}
    save_view(path, "  bright\n SN ", {"truth": ["SN"], "mag": ["..17"]})
    save_view(path, "all", {})
    save_view(path, "bright SN", {"truth": ["SN"]})
    assert read_views(path) == {"bright SN": {"truth": ["SN"]}, "all": {}}
    assert remove_view(path, "bright SN") == remove_view(path, "unknown") == {"all": {}}


def test_views_saved_at_the_same_time_are_all_kept(tmp_path):
    path, names = tmp_path / "views.json", [f"view {i}" for i in range(40)]
    save_view(path, "old", {})
    with ThreadPoolExecutor(8) as pool:
        changes = [partial(save_view, path, name, {}) for name in names]
        list(pool.map(lambda change: change(), [*changes, partial(remove_view, path, "old")]))
    assert set(read_views(path)) == set(names)


def save_ten(path, name):
    for number in range(10):
        save_view(path, f"{name} {number}", {})


def test_views_saved_by_several_programs_are_all_kept(tmp_path):
    path = tmp_path / "views.json"
    with ProcessPoolExecutor(4, get_context("forkserver")) as pool:
        list(pool.map(save_ten, [path] * 4, "abcd"))
    assert len(read_views(path)) == 40
    assert [p.name for p in tmp_path.iterdir()] == ["views.json"]


@pytest.mark.parametrize("name", ["", " \n", "x" * (LONGEST + 1), "a\0b"])
def test_names_must_be_names(name, tmp_path):
    with pytest.raises(TaoNetError, match="wanted a name"):
        save_view(tmp_path / "views.json", name, {})


def test_there_is_an_end_to_them(tmp_path):
    path = tmp_path / "views.json"
    for i in range(MOST):
        save_view(path, str(i), {})
    with pytest.raises(TaoNetError, match="remove one"):
        save_view(path, "more", {})
    save_view(path, "7", {"q": ["x"]})


@pytest.mark.parametrize(
    "text", ["", "[1]", '{"a": 1, "b": {"q": [1]}, "c": {"q": ["x"]}}', "\xff"]
)
def test_a_damaged_file_does_no_harm(text, tmp_path):
    path = tmp_path / "views.json"
    path.write_bytes(text.encode("latin-1"))
    assert read_views(path) in ({}, {"c": {"q": ["x"]}})
    assert "new" in save_view(path, "new", {})
    kept = path.with_suffix(".damaged")
    assert "c" in read_views(path) or kept.read_bytes() == text.encode("latin-1")
