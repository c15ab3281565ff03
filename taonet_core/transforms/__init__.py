"""Pure functions from pixels to numbers: preprocessing, photometry, features."""
