"""Reader, writers and sample data: files in napari."""
