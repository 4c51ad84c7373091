"""Walking through the images of a folder or data set, and what is done of them."""
