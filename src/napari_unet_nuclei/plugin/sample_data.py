"""The samples in napari's menu *File → Open Sample*, all without a download.

The images themselves come from ``core.embedded``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from napari_unet_nuclei.core.embedded import immunohistochemistry, synthetic_nuclei

if TYPE_CHECKING:
    from napari_unet_nuclei.plugin.layers import LayerData


def open_immunohistochemistry() -> list[LayerData]:
    """Return stained tissue, colonic glands with haematoxylin and DAB.

    Returns
    -------
    list of (data, keyword arguments, layer type)
        One RGB image, 512×512.
    """
    name = "immunohistochemistry"
    kwargs = {"name": name, "rgb": True, "metadata": {"sample_id": name}}
    return [(immunohistochemistry().image, kwargs, "image")]


def open_synthetic_nuclei() -> list[LayerData]:
    """Return drawn fluorescent nuclei and their true labels.

    Returns
    -------
    list of (data, keyword arguments, layer type)
        A grey image, 512×512, and its labels.
    """
    name = "synthetic fluorescence"
    sample = synthetic_nuclei()
    metadata = {"sample_id": "synthetic_nuclei"}
    image = {"name": name, "metadata": metadata}
    labels = {"name": f"{name}, ground truth", "metadata": metadata}
    return [(sample.image, image, "image"), (sample.labels, labels, "labels")]
