"""Parts of the comparison of the simulator with the real sky; run by `benchmarks/realism.py`."""
