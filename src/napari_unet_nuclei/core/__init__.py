"""The headless core: images to labels, annotated images to models."""
