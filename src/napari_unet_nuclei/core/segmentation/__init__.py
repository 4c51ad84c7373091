"""One image becomes maps and labels: tiles, scales, stacks."""
