"""What each part of TAO-Net earns; run by `benchmarks/ablations.py`."""
