"""docs/faults.md names every fault once, and only codes and flags that there are."""

import re
from collections import Counter
from pathlib import Path

from taonet_core.errors import Code
from taonet_core.flags import Flag

TABLE = (Path(__file__).parents[1] / "docs" / "faults.md").read_text("utf-8")
ROWS = {"F": 21, "P": 18, "C": 11, "T": 7, "W": 5, "A": 10, "V": 5, "H": 16, "M": 11, "S": 17}


def test_every_fault_has_one_row_with_an_answer():
    rows = re.findall(r"^\| ([A-Z])(\d+) \| [^|]+ \| [^|]+ \|$", TABLE, re.MULTILINE)
    assert Counter(letter for letter, _ in rows) == ROWS
    assert len(set(rows)) == sum(ROWS.values())


def test_codes_and_flags_of_the_table_exist():
    codes = set(re.findall(r"`(E_[A-Z_]+)`", TABLE))
    flags = set(re.findall(r"`([a-z]+(?:-[a-z]+)+)`", TABLE)) - {"frame-ancestors"}
    assert codes <= {str(code) for code in Code}
    assert flags <= {str(flag) for flag in Flag}
