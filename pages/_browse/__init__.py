"""What the page Browse is made of."""
