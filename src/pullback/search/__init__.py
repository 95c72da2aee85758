"""In: data. Out: the settings that learn them best by cross-validation, and one model of the best.

The way through: `space` says what may be tried, `folds` on which rows; `trying` judges settings,
`workers` run many at once, `storage` remembers them (Optuna, extra `search`); `found` tells which
is best, how sure that is and what mattered; `together` makes one model of the best, `judging` its
verdict. `search` is all of it. `pruning` and `objective` are for searches of your own.
"""

from pullback.search.found import Found
from pullback.search.pruning import objective, pruning
from pullback.search.search import Search
from pullback.search.space import Among, Between, Space, Steps

__all__ = ["Among", "Between", "Found", "Search", "Space", "Steps", "objective", "pruning"]
