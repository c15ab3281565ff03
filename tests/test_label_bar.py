"""The bar of labels: two windows of one expert, and a disk that is full."""

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from pages._ui import Key
from taonet_core.data import label_database
from taonet_core.data.annotations import Annotations
from taonet_core.data.label_database import URL_VARIABLE
from taonet_core.data.sqlite_files import make_durable
from taonet_core.errors import Code, TaoNetError


def bar():
    """Be a page with the bar of one object."""
    import numpy as np

    from pages._labels.bar import label_bar
    from taonet_core.data.lightcurve import LightCurve
    from taonet_core.objects.collection import gather

    times = 55_000 + np.arange(5.0)
    curve = LightCurve(times, np.full(5, 18.0), np.full(5, 0.1), meta={"object_id": "a"})
    label_bar(gather([("a", curve)], name="demo", title="demo"), "a", key="bar")


@pytest.fixture
def labels(tmp_path, monkeypatch):
    """Where the pages keep labels."""
    url = f"sqlite:///{tmp_path / 'labels.sqlite'}"
    monkeypatch.setenv(URL_VARIABLE, url)
    yield Annotations(url)
    st.cache_resource.clear()


def window(name="ann"):
    """Open a window of an expert."""
    page = AppTest.from_function(bar, default_timeout=30)
    page.session_state[Key.AUTHOR] = name
    return page.run()


def press(page, label):
    """Give a label; return what the page says of it."""
    page.button(key=f"bar-{label}").click().run()
    assert not page.exception
    return [toast.value.replace("\\", "") for toast in page.toast]


def test_a_label_of_another_window_is_not_gone_over_unseen(labels):
    one, two = window(), window()
    assert press(one, "SN") == ["a: SN saved"]
    [said] = press(two, "CV")
    assert said.startswith("Not saved") and "changed meanwhile, ann said SN elsewhere" in said
    assert [row.label for row in labels.history()] == ["SN"]
    assert press(two, "CV") == ["a: CV saved"]  # now that it was shown
    assert press(two, "AGN") == ["a: AGN saved"]
    one.button(key="bar-undo").click().run()
    assert "Not undone" in one.toast[0].value
    assert [row.label for row in labels.history()] == ["SN", "CV", "AGN"]


def test_other_experts_are_in_nobodys_way(labels):
    one, two = window("ann"), window("bob")
    assert press(one, "SN") == press(two, "SN") == ["a: SN saved"]


def test_a_full_disk_is_said_and_nothing_else(labels, monkeypatch):
    def full(raw, path):
        make_durable(raw, path)
        raw.execute("PRAGMA max_page_count = 1").close()  # no more than there are

    monkeypatch.setattr(label_database, "make_durable", full)
    labels.close()
    for note in ("x" * 500, ""):
        with pytest.raises(TaoNetError) as said:  # noqa: PT012
            for number in range(1000):
                labels.add(f"b{number}", "SN", author="bob", note=note)
        assert said.value.code is Code.DISK_FULL
    before = labels.history()
    page = window()
    [words] = press(page, "SN")
    assert words.startswith("Not saved") and "full" in words
    assert labels.history() == before
