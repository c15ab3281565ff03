"""CHECKSUM and DATASUM of the FITS standard (Appendix J): whether the bytes are those written."""

from __future__ import annotations

import numpy as np

from taonet_core.data.fits_scan import BLOCK, Hdu, Slices

_ALL_ONES = 0xFFFFFFFF


def checksum_agrees(data: Slices, hdu: Hdu) -> bool:
    """Return whether the sums that a header states are those of the bytes.

    Parameters
    ----------
    data : bytes
        The scanned file.
    hdu : Hdu

    Returns
    -------
    bool
        True, too, where the header states no sum, or one that is no number.
    """
    stated = str(hdu.header.get("DATASUM") or "").strip()
    whole = str(hdu.header.get("CHECKSUM") or "").strip()
    if not stated.isdecimal() and not whole:
        return True
    size = -(-hdu.data_size // BLOCK) * BLOCK
    found = ones_sum(data[hdu.data_start : hdu.data_start + size])
    if stated.isdecimal() and int(stated) != found:
        return False
    if not whole:
        return True
    header = ones_sum(data[hdu.header_start : hdu.data_start])
    return _folded(found + header) in (0, _ALL_ONES)


def ones_sum(data: bytes) -> int:
    """Return the 32-bit ones' complement sum of bytes, zeros added to whole words."""
    data = bytes(data) + bytes(-len(data) % 4) if len(data) % 4 else data
    return _folded(int(np.frombuffer(data, dtype=">u4").sum(dtype=np.uint64)))


def _folded(total: int) -> int:
    """Add what is beyond 32 bits to the rest."""
    while total > _ALL_ONES:
        total = (total & _ALL_ONES) + (total >> 32)
    return total
