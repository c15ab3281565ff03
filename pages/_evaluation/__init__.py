"""What the pages Performance and Compare are made of."""
