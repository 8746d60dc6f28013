"""Which seats to choose: the best ones, what a selection leaves behind, and what to take instead. Pure."""
