"""Many images, one after the other, from files to files."""
