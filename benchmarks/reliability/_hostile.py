"""A visitor who means harm: bombs, killers, junk, a trickle, archives of thousands of files.

It runs in a process of its own, as any other visitor's browser would.
"""

from __future__ import annotations

import asyncio
import bz2
import gzip
import io
import lzma
import os
import zipfile
from collections.abc import Iterator
from contextlib import suppress
from itertools import cycle, islice
from pathlib import Path

import numpy as np
from _corpus import torture
from _visitor import Visitor

#: Bytes of zeros in a bomb, bytes of junk, and files in an archive.
_BOMB, _JUNK, _MEMBERS = 2**30, 199 * 2**20, 4_000
#: Seconds between the bytes of the trickle, and until an upload that goes on is given up.
_TRICKLE, _ENOUGH = 1.0, 25.0


def hostile_files(seed: int, *, scale: float = 1.0) -> Iterator[tuple[str, bytes]]:
    """Yield what is sent: names and bytes.

    Parameters
    ----------
    seed : int
        Of the junk.
    scale : float
        Of the sizes: smaller for a short run.
    """
    yield "junk.fits", np.random.default_rng(seed).bytes(int(_JUNK * scale))
    yield "junk.csv", b"time,mag\n" + np.random.default_rng(seed + 1).bytes(int(_JUNK * scale / 8))
    zeros = _card("SIMPLE  =", "T") + bytes(int(_BOMB * scale))
    yield "bomb.fits.gz", gzip.compress(zeros, compresslevel=9, mtime=0)
    yield "bomb.fits.bz2", bz2.compress(zeros)
    yield "bomb.fits.xz", lzma.compress(zeros, preset=1)
    yield "many.zip", _many(int(_MEMBERS * scale))
    for keyword, value in (("NAXIS", "1000000000"), ("NAXIS1", "-2147483648"), ("PCOUNT", "-2880")):
        yield f"claim-{keyword}.fits", _claim(keyword, value)
    for file in torture():
        if file.name.startswith("synthetic/"):
            yield file.name.rpartition("/")[2], file.path.read_bytes()


def _card(keyword: str, value: str) -> bytes:
    return f"{keyword:<9}{value:>21}".ljust(80).encode()


def _claim(keyword: str, value: str) -> bytes:
    cards = {"SIMPLE  =": "T", "BITPIX  =": "16", "NAXIS   =": "2"}
    cards |= {"NAXIS1  =": "32", "NAXIS2  =": "32", "PCOUNT  =": "0", "GCOUNT  =": "1"}
    cards[f"{keyword:<8}="] = value
    header = b"".join(_card(key, text) for key, text in cards.items()) + b"END".ljust(80)
    return header.ljust(2880) + bytes(2880)


def _many(members: int) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for number in range(members):
            archive.writestr(f"{number}.fits", _claim("NAXIS", "2"))
    return packed.getvalue()


def harass(address: str, folder: Path, tally: Path) -> None:
    """Send one hostile file after the other, for ever, and a trickle beside them.

    Parameters
    ----------
    address : str
        Of the app.
    folder : Path
        Holds the files.
    tally : Path
        Gets a line for each: its name, the status of the server, and what became of the page.
    """
    os.nice(10)  # it is the server that is measured, not this client beside it
    asyncio.run(_harass(address, folder, tally))


async def _harass(address: str, folder: Path, tally: Path) -> None:
    trickle = asyncio.create_task(_trickle(address))
    files, sent = sorted(folder.iterdir()), len(tally.read_text().splitlines())
    for path in islice(cycle(files), sent % len(files), None):  # it goes on where it was stopped
        said = await _send(address, path.name, path.read_bytes())
        with tally.open("a") as lines:
            lines.write(f"{path.name} {said}\n")
        if trickle.done():
            trickle = asyncio.create_task(_trickle(address))


async def _send(address: str, name: str, content: bytes) -> str:
    visitor, status = Visitor(address), 0
    try:
        await visitor.open("upload")
        status = await visitor.upload(name, content)
        if status == 204:
            async with asyncio.timeout(_ENOUGH):
                await visitor.settled()
        return f"{status} settled"
    except (OSError, TimeoutError) as error:
        return f"{status} {type(error).__name__}"
    finally:
        await visitor.close()


async def _trickle(address: str) -> None:
    visitor = Visitor(address)
    with suppress(OSError, TimeoutError):  # it is to be shown the door
        await visitor.open("upload")
        await visitor.upload("slow.fits", bytes(10_000), pace=_TRICKLE)
    await visitor.close()
