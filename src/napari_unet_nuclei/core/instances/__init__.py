"""Maps become nuclei; nuclei are measured."""
