"""Corrections of single nuclei: arrays in, the few pixels that change out."""
