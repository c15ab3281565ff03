"""What the page Explain is made of."""
