"""Annotated images: data sets of every layout, opened by name."""
