"""The widget that segments, and its results that follow corrections."""
