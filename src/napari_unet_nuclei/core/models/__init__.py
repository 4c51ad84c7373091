"""Models on disk: the bundle that segmentation loads, and where bundles are kept."""
