"""Scenes of the pictures of napari's window, a module for each kind of widget."""
