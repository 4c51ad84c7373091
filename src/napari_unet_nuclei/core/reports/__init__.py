"""One page about many images: a table, thumbnails and distributions, to look at."""
