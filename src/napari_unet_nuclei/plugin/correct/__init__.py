"""The widget that corrects nuclei by hand."""
