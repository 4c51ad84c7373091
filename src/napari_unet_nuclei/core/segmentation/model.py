"""A model that is loaded, and what Python calls to segment with it.

The work itself belongs in :mod:`~napari_unet_nuclei.core.segmentation.stacks`.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

import numpy as np

from napari_unet_nuclei.core.engines.engine import Engine, create_engine
from napari_unet_nuclei.core.images.axes import PlaneStack
from napari_unet_nuclei.core.models.bundle import ModelBundle, read_bundle
from napari_unet_nuclei.core.models.store import find_model
from napari_unet_nuclei.core.progress import exhaust
from napari_unet_nuclei.core.segmentation.memory import check_memory, explained
from napari_unet_nuclei.core.segmentation.scaled import iter_plane_maps
from napari_unet_nuclei.core.segmentation.stacks import iter_segmentation
from napari_unet_nuclei.core.settings.choices import (
    DEFAULT_MODEL,
    EngineName,
    Link,
    Stain,
    parse_engine,
    parse_link,
    parse_stain,
)
from napari_unet_nuclei.core.settings.segmentation import SegmentationSettings

if TYPE_CHECKING:
    from pathlib import Path
    from typing import Unpack

    from numpy.typing import NDArray

    from napari_unet_nuclei.core.images.lazy import ArrayLike
    from napari_unet_nuclei.core.instances.maps import Maps
    from napari_unet_nuclei.core.models.config import ModelConfig
    from napari_unet_nuclei.core.settings.segmentation import SegmentationOptions

_logger = logging.getLogger(__name__)


class Model:
    """A model that is loaded and stays warm, ready to segment any number of images.

    `load_model` makes one.  It can be used from several threads, which take turns.

    Parameters
    ----------
    bundle : ModelBundle
        Configuration and weights, as one ``.unetnuclei`` file holds them.
    engine : Engine
        Runtime that holds the network.

    Attributes
    ----------
    bundle : ModelBundle
        What the model was loaded from.
    engine : Engine
        What evaluates its network; ``model.engine.description`` names the device.

    See Also
    --------
    segment : The same for a single image, in one call.

    Examples
    --------
    >>> import numpy as np
    >>> from napari_unet_nuclei import SegmentationSettings, load_model
    >>> model = load_model("classic")
    >>> rows, columns = np.ogrid[:64, :64]
    >>> image = np.hypot(rows - 30, columns - 30) < 12
    >>> int(model.segment(image).max())
    1
    >>> int(model.segment(image, SegmentationSettings(min_area=1000)).max())
    0
    >>> labels = model.segment(np.stack([image] * 3), axes="ZYX")
    >>> [np.unique(plane).tolist() for plane in labels]
    [[0, 1], [0, 2], [0, 3]]
    >>> model.maps(image).foreground.shape
    (64, 64)
    """

    def __init__(self, bundle: ModelBundle, engine: Engine) -> None:
        self.bundle = bundle
        self.engine = engine

    @property
    def name(self) -> str:
        """What the model is called."""
        return self.bundle.name

    @property
    def config(self) -> ModelConfig:
        """Everything about the model that is not a weight."""
        return self.bundle.config

    @explained()
    def segment(
        self,
        image: ArrayLike,
        settings: SegmentationSettings | None = None,
        *,
        axes: str | None = None,
        channel: int | None = None,
        spacing: float | None = None,
    ) -> NDArray[np.int32]:
        """Find the nuclei of an image or a stack.

        Parameters
        ----------
        image : (Y, X) or (Y, X, 3|4) array, or a stack described by ``axes``
            Grey or colour image of any real type.  One of Dask, Zarr or HDF5 is read
            chunk by chunk where memory does not hold it.
        settings : SegmentationSettings, optional
            How nuclei are found.
        axes : str, optional
            Axes of a stack, such as ``"ZYX"`` or ``"TCYX"``.
        channel : int, optional
            Channel that shows the nuclei.
        spacing : float, optional
            Distance between depths, in pixels, for nuclei that are linked.

        Returns
        -------
        (Y, X) ndarray of int32, or (…, Y, X) for a stack
            Nuclei numbered from 1, 0 = background.  Planes of a stack are
            segmented one by one, all of one signal and at the middle of the scales
            that suit the planes after one, two and three quarters.  No number occurs in
            two of them, unless they are linked.  What should be checked about them is
            logged as a warning.

        Raises
        ------
        ImageError, SettingsError
            If the image or its axes cannot be used, or it takes more memory than this
            computer has.
        """
        stack = PlaneStack(image, axes, channel)
        settings = settings or SegmentationSettings()
        steps = iter_segmentation(self, stack, settings, spacing=spacing)
        found = exhaust(steps)
        for doubt in found.doubts:
            _logger.warning("%s", doubt.sentence)
        return found.labels

    @explained()
    def maps(
        self,
        image: NDArray[np.generic],
        settings: SegmentationSettings | None = None,
    ) -> Maps:
        """Evaluate the network on one image.

        Parameters
        ----------
        image : (Y, X) or (Y, X, 3|4) ndarray
            Grey or colour image.
        settings : SegmentationSettings, optional
            Only diameter, test-time flips and stain matter here.

        Returns
        -------
        Maps
            Foreground, boundary and distance, (Y, X) float32 each, and at which scale
            and of which signal the network saw the image.

        Raises
        ------
        ImageError
            If the image cannot be used, or takes more memory than this computer has.
        """
        settings = settings or SegmentationSettings()
        check_memory(np.shape(image)[:2])
        return exhaust(iter_plane_maps(self.engine, self.config, image, settings))


def load_model(
    model: str | Path = DEFAULT_MODEL, engine: EngineName | str = EngineName.AUTO
) -> Model:
    """Load a model and keep it warm.

    Parameters
    ----------
    model : str or Path
        ``"resnet"``, ``"classic"``, the name of a model you have trained, or
        the path of a ``.unetnuclei`` file.
    engine : {"auto", "openvino", "keras"}
        Runtime to use.

    Returns
    -------
    Model
        Ready to segment.

    Raises
    ------
    ModelError
        If there is no such model or its file is damaged.
    SettingsError
        If there is no such engine, or not the device that the environment names.
    EngineError
        If the engine is not available.

    Examples
    --------
    >>> model = load_model("classic", engine="openvino")
    >>> model.name, model.config.maps
    ('classic', ('foreground', 'boundary', 'distance'))
    """
    bundle = read_bundle(find_model(model))
    return Model(bundle, create_engine(bundle, parse_engine(engine)))


def segment(
    image: ArrayLike,
    model: str | Path | Model = DEFAULT_MODEL,
    threshold: float | None = None,
    *,
    stain: Stain | str = Stain.AUTO,
    link: Link | str = Link.NONE,
    axes: str | None = None,
    channel: int | None = None,
    spacing: float | None = None,
    **options: Unpack[SegmentationOptions],
) -> NDArray[np.int32]:
    """Find the nuclei of an image or a stack.

    Parameters
    ----------
    image : (Y, X) or (Y, X, 3|4) array, or a stack described by ``axes``
        Grey or colour image of any real type, also of Dask, Zarr or HDF5.
    model : str, Path or Model
        Name or path of a model, or a loaded one.
    threshold : float in (0, 1), optional
        Foreground probability of a nucleus; by default the model's own threshold.
    stain : {"auto", "he", "hdab", "red", "green", "blue", "none"}
        What shows the nuclei of a colour image; with ``"none"`` it is seen as it is.
    link : {"none", "z", "t", "maps"}
        How nuclei keep their number in a stack.
    axes, channel, spacing : str, int, and float in px, optional
        Axes of a stack, such as ``"ZYX"``, the channel that shows the nuclei, and the
        distance between depths, which ``link="maps"`` needs.
    **options
        separation, min_area, max_area, drop_border, smooth, diameter, tta and
        min_planes, which `SegmentationSettings` explains.

    Returns
    -------
    (Y, X) ndarray of int32, or (…, Y, X) for a stack
        Numbered from 1 through all planes, 0 = background; warnings are logged.

    Raises
    ------
    ImageError, SettingsError, ModelError, EngineError
        If the image, a setting, the model or the engine cannot be used.

    Examples
    --------
    >>> import numpy as np
    >>> y, x = np.ogrid[:96, :96]
    >>> image = (np.hypot(y - 30, x - 30) < 12) | (np.hypot(y - 48, x - 48) < 12)
    >>> int(segment(image, model="classic").max())
    2
    """
    loaded = model if isinstance(model, Model) else load_model(model)
    settings = SegmentationSettings(
        threshold=threshold,
        stain=parse_stain(stain),
        link=parse_link(link),
        **options,
    )
    return loaded.segment(image, settings, axes=axes, channel=channel, spacing=spacing)
