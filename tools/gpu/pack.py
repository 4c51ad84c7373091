"""Pack data sets into one file, to train on a machine with a GPU.

Usage: python tools/gpu/pack.py DATA... -o packed.npz [--split FILE ...]
                                [--weight SHARE ...] [--eight-bits]

Takes what `napari-unet-nuclei train` takes.  `train.py` beside it reads the file.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from packed import write_packed

from napari_unet_nuclei.cli.training_data import check_weights, read_sets


def main() -> None:
    """Write the file and say how large it is."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("data", nargs="+", type=Path)
    parser.add_argument("-o", "--output", type=Path, required=True)
    parser.add_argument("--split", action="append", type=Path, default=[])
    parser.add_argument("--weight", action="append", type=float, default=[])
    parser.add_argument(
        "--eight-bits", action="store_true", help="a smaller file of 16-bit images"
    )
    arguments = parser.parse_args()
    check_weights(arguments.data, arguments.weight)
    sets = read_sets(arguments.data, arguments.weight, arguments.split, print)
    write_packed(arguments.output, sets, eight_bits=arguments.eight_bits)
    size = arguments.output.stat().st_size / 1e6
    print(f"{arguments.output}: {size:.1f} MB")


if __name__ == "__main__":
    main()
