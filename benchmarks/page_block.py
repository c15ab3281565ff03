"""Write what a benchmark measured into the page that shows it."""

from __future__ import annotations

from pathlib import Path


def replace_block(page: Path, name: str, text: str) -> None:
    """Replace what stands in a Markdown page between the comments ``name`` and ``end of name``."""
    begin, end = f"<!-- {name} -->", f"<!-- end of {name} -->"
    old = page.read_text("utf-8")
    if begin not in old or end not in old:
        raise ValueError(f"{page} has no block {begin} … {end}")
    before, after = old.split(begin)[0], old.split(end)[1]
    page.write_text(f"{before}{begin}\n\n{text}\n\n{end}{after}", "utf-8")
