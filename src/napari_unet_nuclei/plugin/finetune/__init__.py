"""The widget that fine-tunes a model on corrected labels."""
