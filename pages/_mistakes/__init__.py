"""What the page Misclassified is made of."""
