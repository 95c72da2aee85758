"""What keeps nets from learning, one disease a file; importing this package registers all.

What lies in the structure comes first, then the start, then what only training shows.
"""

from pullback.diagnosis.diseases import (
    batch_too_small,
    broken_residual,
    dropout_at_test_time,
    dying_relus,
    gradients,
    initialization,
    learning_rate,
    loop_too_short,
    missing_nonlinearity,
    not_a_number,
    only_blanks,
    penalty_too_strong,
    resting_parameters,
    saturated_units,
    softmax_twice,
    unscaled_inputs,
    wrong_gradient_rule,
)

__all__ = [
    "batch_too_small",
    "broken_residual",
    "dropout_at_test_time",
    "dying_relus",
    "gradients",
    "initialization",
    "learning_rate",
    "loop_too_short",
    "missing_nonlinearity",
    "not_a_number",
    "only_blanks",
    "penalty_too_strong",
    "resting_parameters",
    "saturated_units",
    "softmax_twice",
    "unscaled_inputs",
    "wrong_gradient_rule",
]
