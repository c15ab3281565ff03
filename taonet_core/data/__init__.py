"""The values that travel (sequences, light curves, predictions) and where they come from."""
