"""What follows from what an author said of an object before."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

from taonet_core.data.expert_labels import SAME_OBJECT, WITHDRAWN, Annotation, separation_arcsec
from taonet_core.errors import Code, TaoNetError


def at_place(rows: list[Annotation], ra: float | None, dec: float | None) -> list[Annotation]:
    """Leave out what was said of another object of the name."""
    if ra is None or dec is None:
        return rows
    return [row for row in rows if not separation_arcsec(row.ra, row.dec, ra, dec) > SAME_OBJECT]


def refuse_changed(about: Annotation, own: list[Annotation], expected: Annotation | None) -> None:
    """Refuse to go over what the author said elsewhere since the caller looked.

    Parameters
    ----------
    about : Annotation
        What is to be said.
    own : list of Annotation
        What the author said of the object, the oldest first.
    expected : Annotation or None
        The label that stood when the caller looked.

    Raises
    ------
    TaoNetError
        With `Code.CHANGED` if another one stands.
    """
    last = own[-1] if own and own[-1].label != WITHDRAWN else None
    seen, stands = ((r.label, r.created_at) if r else None for r in (expected, last))
    if seen != stands:
        said = f"said {last.label}" if last else "withdrew the label"
        raise TaoNetError(
            f"{about.object_id}: changed meanwhile, {about.author} {said} elsewhere; look again",
            code=Code.CHANGED,
        )


def said_before(own: list[Annotation]) -> Annotation:
    """Return what the author said before the last label, or that it is withdrawn."""
    return own[-2] if len(own) > 1 else replace(own[-1], label=WITHDRAWN, note="")


def time_after(said: list[Annotation], now: str) -> str:
    """Return the time now, or that after the last label where the clock was set back since.

    Parameters
    ----------
    said : list of Annotation
        The oldest first.
    now : str
        As `Annotation.created_at`.
    """
    if not said or said[-1].created_at < now:
        return now
    last = datetime.fromisoformat(said[-1].created_at)
    return (last + timedelta(microseconds=1)).isoformat(timespec="microseconds")
