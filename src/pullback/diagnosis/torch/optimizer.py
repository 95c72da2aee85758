"""In: an optimizer of PyTorch and its module. Out: the same as data, and copies of both together.

An optimizer holds the tensors that it moves, so that it is copied with the module that has them.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator
from dataclasses import dataclass
from inspect import signature
from typing import Any

from pullback.core.errors import CircuitError
from pullback.core.text import number


@dataclass(frozen=True, repr=False)
class TorchOptimizer:
    """An optimizer of PyTorch at another learning rate, and with another share of weight decay.

    `made` is what the user made, or a copy; the rates of its groups keep their proportions.
    """

    made: Any
    learning_rate: float
    decayed: float = 1.0  # the share of the weight decay that is left

    @classmethod
    def of(cls, made: Any) -> TorchOptimizer:
        """That of a user. Raises `CircuitError` where it is none that can be asked for a step."""
        if not hasattr(made, "param_groups") or not hasattr(made, "step"):
            raise CircuitError(
                "the doctor needs the optimizer that moves the module: "
                f"optimizer=torch.optim.SGD(model.parameters(), lr=0.1), say; got {made!r:.60}"
            )
        if type(made).__name__ == "LBFGS":
            raise CircuitError(
                "LBFGS takes a closure and no minibatches; let the doctor look at the module with "
                "torch.optim.Adam"
            )
        return cls(made, _rate(made))

    @property
    def parameters(self) -> Iterator[Any]:
        """All tensors that it moves."""
        return (p for group in self.made.param_groups for p in group["params"])

    @property
    def weight_decay(self) -> float:
        """The largest weight decay of a group."""
        groups = self.made.param_groups
        return self.decayed * max(float(group.get("weight_decay") or 0.0) for group in groups)

    @property
    def decoupled(self) -> bool:
        """Whether weights decay by the learning rate alone, and not as part of the gradient."""
        return type(self.made).__name__ in ("AdamW", "Adafactor") or bool(
            self.made.defaults.get("decoupled_weight_decay")
        )

    def copied(self, model: Any) -> tuple[Any, Any]:
        """A copy of the module, and an optimizer of this rate that moves the copy.

        Raises `CircuitError` where PyTorch cannot copy them.
        """
        try:
            model, made = copy.deepcopy((model, self.made))
        except (RuntimeError, TypeError) as error:
            raise CircuitError(f"the module cannot be copied: {error}") from None
        made.state.clear()
        was = _rate(made)
        for group in made.param_groups:
            share = float(group["lr"]) / was if was else 1.0
            group["lr"] = share * self.learning_rate
            if group.get("weight_decay"):
                group["weight_decay"] *= self.decayed
        return model, made

    def of_all(self, model: Any) -> TorchOptimizer:
        """One of the same kind and options that moves all parameters of the module."""
        known = signature(type(self.made).__init__).parameters
        options = {name: x for name, x in self.made.defaults.items() if name in known}
        made = type(self.made)(list(model.parameters()), **options)
        return TorchOptimizer(made, self.learning_rate, self.decayed)

    def __repr__(self) -> str:
        """The code that makes it."""
        known = signature(type(self.made).__init__).parameters
        told = [f"lr={number(self.learning_rate)}"]
        for name, value in self.made.defaults.items():
            if name == "weight_decay" and value:
                value *= self.decayed
            if name != "lr" and name in known and value != known[name].default:
                told.append(f"{name}={value!r}")
        return f"torch.optim.{type(self.made).__name__}(model.parameters(), {', '.join(told)})"


def _rate(made: Any) -> float:
    return float(made.param_groups[0]["lr"])
