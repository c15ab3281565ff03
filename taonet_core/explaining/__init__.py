"""How explanations are made, checked, and put into words."""
