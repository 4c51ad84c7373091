"""Crops of annotated images: what a network is trained on."""
