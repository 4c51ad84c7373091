"""Runtimes that evaluate a model."""
