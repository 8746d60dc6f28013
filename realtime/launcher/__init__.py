"""Starts and ends the product: one process (`serve`), or the production shape on one machine (`cluster`)."""
