"""In: data as scikit-learn's users have them. Out: networks that its tools take for its own.

`NetworkClassifier`, `NetworkRegressor` and `LinearSVM` go into a `Pipeline`, a `GridSearchCV` or
`cross_val_score` like any estimator. Beneath each is a `Trainer` with a `Sequential`.
"""

from pullback.estimators.classifier import NetworkClassifier
from pullback.estimators.regressor import NetworkRegressor
from pullback.estimators.svm import LinearSVM

__all__ = ["LinearSVM", "NetworkClassifier", "NetworkRegressor"]
