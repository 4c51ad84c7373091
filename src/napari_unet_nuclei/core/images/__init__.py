"""Image arrays: axes, channels, intensities, pixel sizes."""
