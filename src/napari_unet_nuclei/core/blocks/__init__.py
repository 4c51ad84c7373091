"""Images larger than memory: block by block, by a plan, resumed where they ended."""
