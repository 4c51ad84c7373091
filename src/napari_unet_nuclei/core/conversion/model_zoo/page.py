"""The page that comes with a package: what the model is, and how to check it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from napari_unet_nuclei.core.images.intensity import LIMIT_PERCENTILES

if TYPE_CHECKING:
    from collections.abc import Mapping

    from napari_unet_nuclei.core.models.bundle import ModelBundle

_MEANINGS = {
    "foreground": "probability that a pixel belongs to a nucleus",
    "boundary": "probability that it lies between two nuclei that touch",
    "distance": "depth inside the nucleus, 1 at its centre",
}

_PAGE = """# {name}

{description}

## How to use it

One image in, grey (three times) or RGB; out come

{maps}

In [napari-unet-nuclei]({homepage}), `napari-unet-nuclei import PACKAGE.zip -o
{name}.unetnuclei` makes a model of it again that finds numbered nuclei. Anywhere
else, a watershed of the distance does this: its seeds are the pixels above
{seed_threshold:g}, and its mask is where the foreground is above {threshold:g}.

- Nuclei should be about {diameter:g} px across; enlarge or shrink the image if they
  are far from that.
- The intensities between the {low:g} and {high:g} percentiles of the whole image
  become 0 to 1. This is part of the package; where large images are processed in
  blocks, take the percentiles of the whole image all the same.
- Pixels nearer than {margin} px to the edge of a block see less of their surroundings
  than others; they are the halo.

## Training data

{training}

## Validation

{validation}

To validate it on images of your own, annotate some and run

```sh
napari-unet-nuclei evaluate DATA --model {name}.unetnuclei
```

which compares each nucleus with the annotation: average precision at IoU .50 to .95,
Dice, and nuclei that are merged, split, missed or invented.

## Limits

For research only. Look at results of tissue, and of other microscopes and stains than
those it learned from, before you count. It finds something in images without nuclei,
too.
"""


def write_page(bundle: ModelBundle, description: str, homepage: str) -> str:
    """Write the documentation of a package.

    Parameters
    ----------
    bundle : ModelBundle
        The model.
    description : str
        What it is, in a sentence.
    homepage : str
        Address of this package.

    Returns
    -------
    str
        Markdown, with the section on validation that the Model Zoo asks for.
    """
    config = bundle.config
    low, high = LIMIT_PERCENTILES
    return _PAGE.format(
        name=bundle.name,
        description=description,
        homepage=homepage,
        maps="\n".join(f"- `{each}`: {_MEANINGS[each]}" for each in config.maps),
        threshold=config.splitting.threshold,
        seed_threshold=config.splitting.seed_threshold,
        diameter=config.diameter,
        low=low,
        high=high,
        margin=config.margin,
        training=_describe_training(config.provenance),
        validation=_describe_validation(config.provenance),
    )


def _describe_training(provenance: Mapping[str, Any]) -> str:
    images = provenance.get("train")
    if not isinstance(images, list | tuple) or not images:
        return "The model does not say what it was trained on."
    start = provenance.get("start")
    sentence = f"It was trained on {len(images):,} images"
    sentence += f", starting from the model `{start}`." if start else "."
    return f"{sentence} `model.json` in this package names them, and the settings."


def _describe_validation(provenance: Mapping[str, Any]) -> str:
    scores = provenance.get("scores")
    names = {"dsb2018": "DSB2018 score", "ap50": "AP50", "dice": "Dice"}
    known = {
        names[name]: value
        for name, value in (scores.items() if isinstance(scores, dict) else ())
        if name in names and isinstance(value, int | float)
    }
    if not known:
        return "The model does not say how well it did on validation images."
    listed = ", ".join(f"{name} {value:.3f}" for name, value in known.items())
    return f"On validation images that it was not trained on: {listed}."
