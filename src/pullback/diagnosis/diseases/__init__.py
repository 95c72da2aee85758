"""What keeps nets from learning, one disease a file; importing this package registers all.

The data come first, and what needs trainings last.
"""

from pullback.diagnosis.diseases import (  # isort: skip  # in the order in which they are asked
    unscaled_inputs,
    constant_features,
    duplicated_features,
    leaking_feature,
    different_worlds,
    forgotten_shuffling,
    wrong_loss,
    shifted_labels,
    shuffled_labels,
    label_noise,
    learning_rate,
    dying_relus,
    unbalanced_classes,
    underfitting,
    overfitting,
)

__all__ = [
    "constant_features",
    "different_worlds",
    "duplicated_features",
    "dying_relus",
    "forgotten_shuffling",
    "label_noise",
    "leaking_feature",
    "learning_rate",
    "overfitting",
    "shifted_labels",
    "shuffled_labels",
    "unbalanced_classes",
    "underfitting",
    "unscaled_inputs",
    "wrong_loss",
]
