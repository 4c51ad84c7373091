"""The networks as Keras graphs."""
