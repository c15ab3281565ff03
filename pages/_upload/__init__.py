"""What the page Upload is made of."""
