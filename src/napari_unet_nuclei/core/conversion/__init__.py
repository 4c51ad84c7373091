"""Models made elsewhere, or of several models."""
