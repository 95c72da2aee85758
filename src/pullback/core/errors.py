"""The exceptions that the library raises itself. Each is also a standard exception."""


class CircuitError(ValueError):
    """A circuit cannot be built, run or pulled as asked; the message names wire and cure."""


class UnknownNameError(CircuitError, KeyError):
    """Nothing of this name is registered; the message names what is, or what is near."""

    __str__ = CircuitError.__str__  # a KeyError would quote the message


class AbstractError(CircuitError):
    """A number was asked for of a wire that was recorded for its shape and dtype alone."""


class StaleError(CircuitError):
    """A source was given a new value and the circuit was pulled before it ran `forward` again."""
