"""Coroutines in tests: Playwright keeps a loop of its own in the thread that the tests run in."""

import asyncio
from concurrent.futures import ThreadPoolExecutor


def finished(coroutine):
    """Run a coroutine to its end in a thread of its own, and return what it returns."""
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(asyncio.run, coroutine).result()
