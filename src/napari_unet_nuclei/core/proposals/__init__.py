"""Which part of an image to annotate next, so that a model learns most from it."""
