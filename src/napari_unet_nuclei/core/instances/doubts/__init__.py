"""Which nuclei should be looked at first, because they may be mistakes, and why."""
