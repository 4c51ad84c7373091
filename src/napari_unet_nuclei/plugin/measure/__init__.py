"""Nuclei of any labels layer, measured, plotted and saved."""
