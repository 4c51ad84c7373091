"""Packages of the BioImage Model Zoo: models leave for other tools, and come back."""
