"""What a server has freed goes back to the system, so that its memory says what it holds.

Left alone, the GNU C library keeps a heap for each thread (here: for each page that is drawn) and,
once large arrays have come and gone, tens of megabytes of each. With a hundred visitors the process
grew from 1.0 to 1.2 GB while it held 0.26 GB; so it stays at 0.75 GB, and is as fast.
"""

from __future__ import annotations

import ctypes

# Parameters of mallopt(3), and what is set: few heaps, memory at the end of one returned from
# 128 KiB on, and arrays from 1 MiB on apart, so that they are returned when they are freed.
_SETTINGS = {-8: 2, -1: 128 * 2**10, -3: 2**20}


def return_freed_memory() -> bool:
    """Tell the C library to keep little of what is freed.

    Returns
    -------
    bool
        Whether it listened; others than the GNU C library are left as they are.
    """
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (AttributeError, OSError):
        return False
    return all([mallopt(parameter, value) == 1 for parameter, value in _SETTINGS.items()])
