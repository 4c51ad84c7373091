"""What the measuring widget says."""

from __future__ import annotations


def describe_measured(name: str, n_nuclei: int, n_columns: int) -> str:
    """Say what was measured.

    Examples
    --------
    >>> describe_measured("cells nuclei", 1, 5)
    '1 nucleus of cells nuclei measured, 5 columns. The table follows every edit.'
    """
    return (
        f"{count_nuclei(n_nuclei)} of {name} measured, {n_columns} columns. "
        "The table follows every edit."
    )


def describe_selected(n_selected: int, n_nuclei: int) -> str:
    """Say how many nuclei are selected."""
    if not n_selected:
        return "No nuclei selected."
    return (
        f"{n_selected:,} of {count_nuclei(n_nuclei)} selected; the others are grey. "
        "Escape in the plot shows all."
    )


def describe_removed(name: str) -> str:
    """Say that labels are gone."""
    return f"{name} was removed, so nothing is measured."


def describe_reshaped(name: str) -> str:
    """Say that labels have another shape now."""
    return f"{name} has another shape now: press Measure to measure it again."


def count_nuclei(n: int) -> str:
    """Return a number of nuclei in words.

    Examples
    --------
    >>> count_nuclei(1), count_nuclei(1200)
    ('1 nucleus', '1,200 nuclei')
    """
    return "1 nucleus" if n == 1 else f"{n:,} nuclei"
