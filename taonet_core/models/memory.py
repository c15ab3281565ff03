"""How the process keeps memory between steps of a network, and when it has none left."""

from __future__ import annotations

import ctypes


def keep_freed_memory() -> None:
    """Let glibc keep freed activations instead of returning them to the kernel.

    Each training step frees and asks again for hundreds of megabytes; page faults cost up to half
    of the time of a CPU run. Elsewhere than on glibc this does nothing.
    """
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (AttributeError, OSError, TypeError):
        return
    for option, value in ((-3, 2**31 - 1), (-1, 2**31 - 1), (-2, 64 << 20)):
        mallopt(option, value)  # M_MMAP_THRESHOLD, M_TRIM_THRESHOLD, M_TOP_PAD


def ran_out(error: BaseException) -> bool:
    """Tell whether an error means that there was not enough memory, of a CPU or a GPU."""
    said = str(error)
    return (
        isinstance(error, MemoryError)
        or type(error).__name__ == "OutOfMemoryError"  # of PyTorch on CUDA
        or (isinstance(error, RuntimeError) and "can't allocate memory" in said)
        or (isinstance(error, RuntimeError) and "not enough memory" in said)
    )


def lost_device(error: BaseException) -> bool:
    """Tell whether an error means that a GPU does not answer any more."""
    return type(error).__name__ == "AcceleratorError" or (
        isinstance(error, RuntimeError) and "CUDA error" in str(error)
    )
