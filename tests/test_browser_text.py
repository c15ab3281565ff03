"""Hostile texts in files, tables and addresses, through every page: none of them does anything."""

import pytest
import text_payloads
from _payloads import archive, curve_table
from _spy import spying

#: One of each kind that a browser could obey.
TEXTS = range(1, 60, 15)


@pytest.fixture(scope="module")
def seen(chromium, address):
    """Walk through the pages with an upload, then with addresses; return what was seen."""
    with spying(chromium, address) as spy:
        text_payloads.upload(spy, "texts.zip", archive(TEXTS))
        text_payloads.through_pages(spy)
        text_payloads.step_through(spy, "sequence", 2)
        text_payloads.upload(spy, "texts.csv", curve_table(TEXTS).encode())
        text_payloads.menu(spy, "browse")
        text_payloads.addresses(spy, range(20, 21))
    return spy


def test_hostile_texts_do_nothing_on_any_page(seen):
    assert seen.looks > 20
    assert not +seen.seen, seen.what
