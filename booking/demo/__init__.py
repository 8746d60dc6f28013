"""Sales of the demo."""
