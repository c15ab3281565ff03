"""How good classifiers are, and where they fail."""
