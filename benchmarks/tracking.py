"""Nuclei followed through time: links and divisions found in drawn movies.

Usage: python benchmarks/tracking.py [--frames 40] [--nuclei 60] [--movies 3]

Discs walk at random, some divide, and 3 % of the outlines are missing.  What the
network does is left out: outlines are as drawn, so that linking alone is scored.  A
link leads from an outline to the next one of the same nucleus, or of its daughters, in
the next frame or, where that lacks it, the one after.  F1 over all links, and over the
divisions: a mother with both daughters.  "Stitching" is the rule of Cellpose that
``benchmarks/linking.py`` describes, which knows no gaps and no divisions.
"""

from __future__ import annotations

import argparse
from itertools import pairwise

import numpy as np
from linking import stitch

from napari_unet_nuclei import link_planes
from napari_unet_nuclei.core.linking.divisions import find_parents
from napari_unet_nuclei.core.linking.rule import THROUGH_TIME

FIRST_SEED = 1000
SIDE, RADIUS, MISSING = 512, 11.0, 0.03
STEPS = (0.1, 0.25, 0.5, 0.75)  # of a diameter, from frame to frame

Outline = tuple[int, int]  # frame, and number of the true nucleus
Links = set[tuple[Outline, Outline]]


class Walk:
    """Nuclei that walk, keep away from each other, and divide."""

    def __init__(self, seed: int, n_nuclei: int, step: float) -> None:
        self.rng = np.random.default_rng(seed)
        self._step = step * 2 * RADIUS / np.sqrt(2)
        self.places = {
            number: self.rng.uniform(RADIUS, SIDE - RADIUS, 2)
            for number in range(1, n_nuclei + 1)
        }
        self.ages = dict.fromkeys(self.places, 10)
        self.parents: dict[int, int] = {}
        self._n_nuclei = n_nuclei

    def advance(self) -> None:
        """Move all nuclei, and let some divide."""
        for number in list(self.places):
            self.places[number] = self.places[number] + self.rng.normal(
                0, self._step, 2
            )
            self.ages[number] += 1
            if self.ages[number] > 8 and self.rng.random() < 0.02:
                self._divide(number)
        for number, place in self.places.items():
            for other, there in self.places.items():
                apart = place - there
                distance = float(np.linalg.norm(apart)) or 1.0
                nearest = self.radius(number) + self.radius(other)
                if other != number and distance < nearest:
                    place = place + apart / distance * (nearest - distance) / 2
            self.places[number] = np.clip(place, RADIUS, SIDE - RADIUS)

    def _divide(self, mother: int) -> None:
        place = self.places.pop(mother)
        angle = self.rng.uniform(0, 2 * np.pi)
        offset = 0.65 * RADIUS * np.array([np.sin(angle), np.cos(angle)])
        for sign in (1, -1):
            self._n_nuclei += 1
            self.places[self._n_nuclei] = place + sign * offset
            self.ages[self._n_nuclei] = 0
            self.parents[self._n_nuclei] = mother

    def radius(self, number: int) -> float:
        """Return how large a nucleus is: daughters grow for six frames."""
        return RADIUS * min(0.66 + 0.06 * self.ages[number], 1.0)

    def draw(self) -> np.ndarray:
        """Draw all nuclei."""
        frame = np.zeros((SIDE, SIDE), np.int32)
        y, x = np.ogrid[:SIDE, :SIDE]
        for number, (cy, cx) in self.places.items():
            inside = (y - cy) ** 2 + (x - cx) ** 2 < self.radius(number) ** 2
            frame[inside & (frame == 0)] = number
        return frame


def links_of(
    outlines: dict[Outline, int], parents: dict[int, int], longest: int = 2
) -> Links:
    """Return the links between outlines, by the track of each and their parents."""
    frames: dict[int, list[Outline]] = {}
    for outline, track in sorted(outlines.items()):
        frames.setdefault(track, []).append(outline)
    links = set()
    for track, own in frames.items():
        before = frames.get(parents.get(track, 0), [])
        for first, then in zip([*before[-1:], *own], own, strict=False):
            if 0 < then[0] - first[0] <= longest:
                links.add((first, then))
        for first, then in pairwise(own):
            if then[0] - first[0] <= longest:
                links.add((first, then))
    return links


def divisions_of(links: Links) -> set[tuple[Outline, ...]]:
    """Return each outline that leads to two, with both."""
    nexts: dict[Outline, list[Outline]] = {}
    for first, then in links:
        nexts.setdefault(first, []).append(then)
    return {(m, *sorted(found)) for m, found in nexts.items() if len(found) == 2}


def f1(truth: set, found: set) -> float:
    """Return the harmonic mean of precision and recall."""
    return 2 * len(truth & found) / max(len(truth) + len(found), 1)


def score(seed: int, n_frames: int, n_nuclei: int, step: float) -> list[float]:
    """Return F1 of links and divisions of both rules for one movie."""
    walk = Walk(seed, n_nuclei, step)
    frames = []
    for _ in range(n_frames):
        frame = walk.draw()
        numbers = np.unique(frame[frame > 0])
        lost = numbers[walk.rng.random(numbers.size) < MISSING]
        frame[np.isin(frame, lost)] = 0
        frames.append(frame)
        walk.advance()
    movie = np.stack(frames)
    there = {
        (t, int(number)): int(number)
        for t, frame in enumerate(movie)
        for number in np.unique(frame[frame > 0])
    }
    truth = links_of(there, walk.parents)
    scores = []
    for tracks in (stitch(movie), link_planes(movie, THROUGH_TIME)):
        named = {}
        for (t, number), _ in there.items():
            named[t, number] = int(tracks[t][movie[t] == number][0])
        links = links_of(named, find_parents(tracks))
        scores += [f1(truth, links), f1(divisions_of(truth), divisions_of(links))]
    return [*scores, len(truth), len(divisions_of(truth))]


def main() -> None:
    """Print a row for each step."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--frames", type=int, default=40)
    parser.add_argument("--nuclei", type=int, default=60)
    parser.add_argument("--movies", type=int, default=3)
    arguments = parser.parse_args()
    heads = ("stitching", "… divisions", "`link t`", "… divisions")
    print(f"| step, diameters | links | divisions | {' | '.join(heads)} |")
    print("| --- |" + " --- |" * 6)
    for step in STEPS:
        rows = [
            score(seed, arguments.frames, arguments.nuclei, step)
            for seed in range(FIRST_SEED, FIRST_SEED + arguments.movies)
        ]
        *scores, n_links, n_divisions = np.array(rows).T
        cells = " | ".join(f"{each.mean():.3f}" for each in scores)
        print(f"| {step} | {n_links.sum():,.0f} | {n_divisions.sum():.0f} | {cells} |")


if __name__ == "__main__":
    main()
