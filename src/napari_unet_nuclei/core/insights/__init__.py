"""A look at annotated images before training."""
