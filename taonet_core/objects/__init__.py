"""Many objects: where they lie, and what is said of them."""
