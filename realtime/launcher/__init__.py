"""Starts the product and ends it clean: one process (`serve`) or the production shape on one machine (`cluster`)."""
