"""How well predicted nuclei agree with true ones."""
