"""In: springs, and where points begin. Out: their descent, each step of which is a Program.

A step takes the repulsion, finds the attraction, and moves every point along the gradient

    4 * (exaggeration * attraction - repulsion / z)

with momentum and with a gain of each number, which grows while the point goes on downhill, and
shrinks where it would turn (Jacobs, "Increased rates of convergence through learning rate
adaptation", 1988). The points, how they move, and the gains stay in the engine.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from pullback.core.abstract import abstract_of
from pullback.core.unit import Unit
from pullback.engines.prepare import prepare
from pullback.gates.comparison import less, maximum, where
from pullback.gates.elementary import sqrt
from pullback.gates.reduction import mean
from pullback.gates.reduction import sum as total
from pullback.maps.repulsion import Repulsion
from pullback.maps.springs import Springs
from pullback.program.program import Program

MORE, LESS, LEAST = 0.2, 0.8, 0.01  # a gain grows by a sum, shrinks by a factor, and so far
LONGEST = 5.0  # of a step of a point, so that none shoots off


class Descent:
    """The points of a map, (d, N), on their way down; a call is a step of all of them.

    Where there are `others`, which stay where they are, they are points that are placed among
    these, each for itself; else the map's centre stays at zero.
    """

    def __init__(
        self,
        y: np.ndarray,
        springs: Springs,
        others: np.ndarray | None = None,
        *,
        engine: str = "native",
        threads: int | None = None,
    ) -> None:
        self._springs, self._engine, self._threads = springs, engine, threads
        self._y = Unit(np.ascontiguousarray(y, np.float32), "y")
        self._velocity = Unit(np.zeros(y.shape, np.float32), "velocity")
        self._gains = Unit(np.ones(y.shape, np.float32), "gains")
        self._others = others
        self._step = self._prepared(self._program)
        self._cost: Any = None

    @property
    def y(self) -> np.ndarray:
        """Where the points are, (d, N) float32."""
        return np.asarray(self._y.value)

    @property
    def pace(self) -> float:
        """How far a point went in the last step, in the mean."""
        return float(np.hypot.reduce(np.asarray(self._velocity.value), axis=0).mean())

    def __call__(self, repulsion: Repulsion, **numbers: float) -> None:
        """Move every point once: numbers are the exaggeration, learning_rate and momentum."""
        z = repulsion.z if self._others is None else repulsion.sums.astype(np.float32)
        self._step(forces=repulsion.forces, z=z, **numbers)

    def cross_entropy(self) -> float:
        """-sum of p_ij * log(q_ij) where the points are now."""
        if self._cost is None:
            self._cost = self._prepared(self._cross_entropy)
        return float(self._cost(y=self.y)["cost"])

    def _prepared(self, recorded: Any) -> Any:
        """A Program on the engine, which is recorded for shapes and dtypes, and then given data."""
        data: Mapping[str, np.ndarray] = self._springs.data
        if self._others is not None:
            data = {**data, "others": np.ascontiguousarray(self._others, np.float32)}
        wires = {name: Unit(abstract_of(x), name) for name, x in data.items()}
        program = recorded(wires)
        step = prepare(self._engine, program, threads=self._threads)
        program.set(data)
        return step

    def _program(self, wires: dict[str, Unit]) -> Program:
        y, velocity, gains = self._y, self._velocity, self._gains
        n = y.shape[1]
        z = Unit(1.0, "z") if self._others is None else Unit(np.ones(n, np.float32), "z")
        forces = Unit(np.zeros(y.shape, np.float32), "forces")
        names = "exaggeration", "learning_rate", "momentum"
        exaggeration, rate, momentum = given = [Unit(1.0, name) for name in names]
        springs = {name: unit for name, unit in wires.items() if name != "others"}
        pull = self._springs.attraction(y, wires.get("others", y), springs)
        slope = 4.0 * (exaggeration * pull - forces / z)
        onward = less(velocity * slope, 0.0)
        gain = maximum(where(onward, gains + MORE, gains * LESS), LEAST)
        moved = momentum * velocity - rate * (gain * slope)
        length = sqrt(total(moved * moved, axis=0, keepdims=True))
        moved = moved * (LONGEST / maximum(length, LONGEST))
        new = y + moved
        if self._others is None:
            new = new - mean(new, axis=1, keepdims=True)
        inputs = {**wires, "forces": forces, "z": z, **dict(zip(names, given, strict=True))}
        return Program(inputs, {}, {y: new, velocity: moved, gains: gain})

    def _cross_entropy(self, wires: dict[str, Unit]) -> Program:
        y = Unit(np.zeros(self._y.shape, np.float32), "y")
        springs = {name: unit for name, unit in wires.items() if name != "others"}
        cost = self._springs.cross_entropy(y, wires.get("others", y), springs)
        return Program({**wires, "y": y}, {"cost": cost}, {})
