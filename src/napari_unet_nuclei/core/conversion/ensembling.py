"""Several models become one, whose maps are the means of theirs."""

from __future__ import annotations

from dataclasses import fields
from importlib.metadata import version
from statistics import fmean, geometric_mean
from typing import TYPE_CHECKING, Any

from napari_unet_nuclei.core.errors import ModelError
from napari_unet_nuclei.core.instances.maps import SplittingParameters
from napari_unet_nuclei.core.models.bundle import ModelBundle
from napari_unet_nuclei.core.models.config import MAPS, ModelConfig
from napari_unet_nuclei.core.settings.choices import Architecture

if TYPE_CHECKING:
    from collections.abc import Sequence

    from napari_unet_nuclei.core.models.weights import Weights

_MAX_SIZE_RATIO = 1.25


def combine_models(bundles: Sequence[ModelBundle], name: str) -> ModelBundle:
    """Make one model of several, which averages what they see.

    Where models err in different ways, as after training from different starts, with
    different layers or on different parts of the data, the mean of their maps errs
    less.  It takes as long as all of them together.

    Parameters
    ----------
    bundles : sequence of ModelBundle
        Two or more models for nuclei of about the same size.
    name : str
        What the result is called.

    Returns
    -------
    ModelBundle
        A model like any other, with its OpenVINO form.  A map is the mean over those
        parts that have it, and so is each threshold of the splitting; of the ways
        to look at an image, those that all parts have learned are left.

    Raises
    ------
    ModelError
        If there are fewer than two or too many, one is an ensemble already, the
        nuclei that they were trained on differ in diameter by more than a quarter,
        or weights do not belong to their network.
    EngineError
        If the network cannot be converted to OpenVINO.

    References
    ----------
    Hansen, Salamon: Neural network ensembles, IEEE Trans. Pattern Anal. Mach.
    Intell. 1990, doi:10.1109/34.58871
    """
    from napari_unet_nuclei.core.networks.exporting import add_openvino

    _check_parts(bundles)
    parts, weights = _join(bundles)
    config = _describe(bundles, parts, weights)
    return add_openvino(ModelBundle(name=name, config=config, weights=weights))


def _join(bundles: Sequence[ModelBundle]) -> tuple[list[dict[str, Any]], Weights]:
    """Return what describes each network, and the weights of all of them."""
    from napari_unet_nuclei.core.networks.bundling import without_normalization
    from napari_unet_nuclei.core.networks.ensemble import part_path

    parts = []
    weights: Weights = {}
    for number, bundle in enumerate(bundles):
        arguments, of_part = without_normalization(bundle)
        architecture = str(bundle.config.architecture)
        parts.append({"architecture": architecture, "arguments": arguments})
        for path, values in of_part.items():
            weights[part_path(number, path)] = values
    return parts, weights


def _describe(
    bundles: Sequence[ModelBundle], parts: list[dict[str, Any]], weights: Weights
) -> ModelConfig:
    """Measure the network of all, and average what else is known of each."""
    from napari_unet_nuclei.core.networks.building import build_model
    from napari_unet_nuclei.core.networks.bundling import set_weights
    from napari_unet_nuclei.core.networks.geometry import measure_geometry

    network = build_model(Architecture.ENSEMBLE, {"members": parts})
    set_weights(network, weights)  # refuses those of another network
    geometry = measure_geometry(network)
    configs = [bundle.config for bundle in bundles]
    return ModelConfig(
        architecture=Architecture.ENSEMBLE,
        arguments={"members": parts},
        maps=MAPS[: network.output_shape[-1]],
        stride=geometry.stride,
        margin=geometry.margin,
        splitting=_mean_splitting([config.splitting for config in configs]),
        diameter=geometric_mean(config.diameter for config in configs),
        estimated_diameter=geometric_mean(
            config.estimated_diameter or config.diameter for config in configs
        ),
        n_symmetries=min(config.n_symmetries for config in configs),
        provenance={
            "package": version("napari-unet-nuclei"),
            "members": [
                {**bundle.config.provenance, "name": bundle.name} for bundle in bundles
            ],
        },
    )


def _check_parts(bundles: Sequence[ModelBundle]) -> None:
    """Refuse what has no meaningful mean."""
    if len(bundles) < 2:
        raise ModelError(
            "Expected two or more models to make an ensemble of. Received: "
            f"{len(bundles)}; name another one."
        )
    for bundle in bundles:
        if bundle.config.architecture is Architecture.ENSEMBLE:
            raise ModelError(
                f"Expected single models to make an ensemble of. Received: "
                f"{bundle.name!r}, which is an ensemble already; name others."
            )
    by_size = sorted(bundles, key=lambda bundle: bundle.config.diameter)
    small, large = by_size[0], by_size[-1]
    if large.config.diameter > _MAX_SIZE_RATIO * small.config.diameter:
        raise ModelError(
            "Expected models for nuclei of about the same diameter. Received: "
            f"{small.name!r} for {small.config.diameter:g} px and {large.name!r} for "
            f"{large.config.diameter:g} px; train them on the same images."
        )


def _mean_splitting(parameters: Sequence[SplittingParameters]) -> SplittingParameters:
    """Average each of the thresholds."""
    return SplittingParameters(
        **{
            field.name: fmean(getattr(each, field.name) for each in parameters)
            for field in fields(SplittingParameters)
        }
    )
