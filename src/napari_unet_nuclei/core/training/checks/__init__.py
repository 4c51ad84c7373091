"""What is wrong with images, labels and settings, before training starts on them."""
