"""The widget that walks through the images of a folder or data set."""
