"""Nuclei that stand in several planes, in z or time, get one number."""
