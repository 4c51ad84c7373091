"""``python -m napari_unet_nuclei``: the command line, for any interpreter."""

from napari_unet_nuclei.cli import main

if __name__ == "__main__":
    main()
