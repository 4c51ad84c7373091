"""Doubts as columns of the table of a labels layer."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from napari_unet_nuclei.core.instances.doubts.reasons import DOUBT_COLUMNS
from napari_unet_nuclei.plugin.shared.layers import name_rows

if TYPE_CHECKING:
    from collections.abc import Mapping

    from napari.layers import Labels

    from napari_unet_nuclei.plugin.correct.doubt_queue import Proposal


def flag_doubts(layer: Labels, nuclei: Mapping[int, Proposal]) -> None:
    """Write how doubtful nuclei are, and why, into the table of a layer.

    Parameters
    ----------
    layer : napari.layers.Labels
        The layer; without a table it gets one.
    nuclei : mapping of int to Proposal
        Nuclei by their numbers; the others have empty cells.
    """
    table = layer.features.copy()
    if not len(table):
        table["index"] = np.array(sorted(nuclei), np.int64)
    labels = table["index"] if "index" in table else range(len(table))
    found = [nuclei.get(int(label)) if label == label else None for label in labels]
    doubt, reason = DOUBT_COLUMNS
    table[doubt] = [np.nan if each is None else each.doubt for each in found]
    table[reason] = [None if each is None else each.sentence for each in found]
    with layer.events.features.blocker():
        layer.features = table
        name_rows(layer)
    layer.events.features()
