"""What keeps nets from learning, one disease a file; importing this package registers all."""

from pullback.diagnosis.diseases import dying_relus, learning_rate, unscaled_inputs

__all__ = ["dying_relus", "learning_rate", "unscaled_inputs"]
