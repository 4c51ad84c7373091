"""One module for each file format, read with care and written whole."""
