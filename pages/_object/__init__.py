"""One object on the screen."""
