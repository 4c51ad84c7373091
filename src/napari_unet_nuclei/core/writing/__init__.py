"""Files that appear whole or not at all, and never in place of another unasked."""
