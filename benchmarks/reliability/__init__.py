"""What is asked of reliability, measured: each file without an underscore is one command.

They import each other by their bare names (``from _figures import conclude``): that works when one
is run, ``python benchmarks/reliability/fuzz.py``, and in tests, whose path holds this folder.
"""
