"""Pictures and figures as PNG files, without a screen."""
