"""Tables of nuclei as Parquet, in the layout of Fractal's tables in OME-Zarr.

``tables/NAME/table.parquet`` beside the labels, with attributes that say so; see
https://fractal-analytics-platform.github.io/ngio/stable/table_specs/overview.
"""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from napari_unet_nuclei.core.files.extras import import_extra
from napari_unet_nuclei.core.writing.atomic_files import replacing

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from numpy.typing import NDArray

TABLE_NAME = "table.parquet"


class FeatureTable:
    """A table that is written part by part, and is there once it is complete.

    A context manager.

    Parameters
    ----------
    path : Path
        The OME-Zarr group.
    name : str
        What the labels are called, and the table too.

    Raises
    ------
    OutputError
        If it cannot be written.
    """

    def __init__(self, path: Path, name: str) -> None:
        self._path, self._name = path, name
        self._arrow = import_extra("pyarrow", "a table as Parquet")
        self._parquet = import_extra("pyarrow.parquet", "a table as Parquet")
        self._ending = ExitStack()
        self._writer: Any = None

    def __enter__(self) -> Self:
        self._describe()
        folder = self._path / "tables" / self._name
        self._part = self._ending.enter_context(replacing(folder / TABLE_NAME))
        return self

    def __exit__(self, *error: Any) -> None:
        if self._writer is not None:
            self._writer.close()
        self._ending.__exit__(*error)

    def append(self, rows: Mapping[str, NDArray[Any]]) -> None:
        """Write more rows.

        Parameters
        ----------
        rows : mapping of str to (n,) ndarray
            Columns, always the same; ``label`` is the number of each nucleus.
        """
        columns = {
            name: column.astype(
                np.float64 if column.dtype.kind == "f" else np.int64, copy=False
            )
            for name, column in rows.items()
        }
        table = self._arrow.table(columns)
        if self._writer is None:
            self._writer = self._parquet.ParquetWriter(self._part, table.schema)
        if table.num_rows or not self._writer.is_open:
            self._writer.write_table(table)

    def _describe(self) -> None:
        zarr = import_extra("zarr", "OME-Zarr")
        root = zarr.open_group(self._path, mode="r+")
        tables = root.require_group("tables")
        listed = [each for each in tables.attrs.get("tables", []) if each != self._name]
        tables.attrs["tables"] = [*listed, self._name]
        tables.require_group(self._name).attrs.update(
            {
                "fractal_table_version": "1",
                "type": "feature_table",
                "table_version": "1",
                "backend": "parquet",
                "index_key": "label",
                "index_type": "int",
                "instance_key": "label",
                "region": {"path": f"../labels/{self._name}"},
            }
        )
