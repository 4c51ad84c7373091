"""What the widgets have in common: layers, lists, panels, threads."""
