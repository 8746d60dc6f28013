"""The site with a keyboard, a screen reader, large text, other colours, or without script."""
