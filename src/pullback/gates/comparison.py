"""Gates that compare and choose. Their outputs jump or bend: `kinks` says where.

Comparisons give truth values, through which no gradient flows. Multiplied by a gradient, a truth
value passes it on or stops it: that is how the choosing gates' own rules are written.
"""

from pullback.core.gate import built_in as gate


def _difference(a, b):
    return a - b


@gate(partials=(None, None), symbol=">", kinks=_difference)
def greater(m, a, b):
    """Whether a > b, elementwise.

    >>> greater(2.0, 1.0)
    True
    """
    return m.greater(a, b)


@gate(partials=(None, None), symbol=">=", kinks=_difference)
def greater_equal(m, a, b):
    """Whether a >= b, elementwise.

    >>> greater_equal(1.0, 1.0)
    True
    """
    return m.greater_equal(a, b)


@gate(partials=(None, None), symbol="<", kinks=_difference)
def less(m, a, b):
    """Whether a < b, elementwise.

    >>> less(2.0, 1.0)
    False
    """
    return m.less(a, b)


@gate(partials=(None, None), symbol="<=", kinks=_difference)
def less_equal(m, a, b):
    """Whether a <= b, elementwise.

    >>> less_equal(1.0, 1.0)
    True
    """
    return m.less_equal(a, b)


@gate(partials=(None, None), symbol="==", kinks=_difference)
def equal(m, a, b):
    """Whether a equals b, elementwise. (The operator `==` compares wires, not their values.)

    >>> equal(1.0, 1.0)
    True
    """
    return m.equal(a, b)


@gate(partials=(None, None), symbol="!=", kinks=_difference)
def not_equal(m, a, b):
    """Whether a differs from b, elementwise.

    >>> not_equal(1.0, 1.0)
    False
    """
    return m.not_equal(a, b)


@gate(partials=(None, None), symbol="and", domain=(bool, bool))
def logical_and(m, a, b):
    """Whether a and b are both true, elementwise.

    >>> logical_and(True, False)
    False
    """
    return m.logical_and(a, b)


@gate(partials=(None, None), symbol="or", domain=(bool, bool))
def logical_or(m, a, b):
    """Whether a or b or both are true, elementwise.

    >>> logical_or(True, False)
    True
    """
    return m.logical_or(a, b)


@gate(partials=(None,), symbol="not", domain=(bool,))
def logical_not(m, a):
    """Whether a is false, elementwise.

    >>> logical_not(True)
    False
    """
    return m.logical_not(a)


@gate(
    partials=(
        None,
        lambda y, condition, a, b: not_equal(condition, 0.0),
        lambda y, condition, a, b: equal(condition, 0.0),
    ),
    domain=(bool, (-2.0, 2.0), (-2.0, 2.0)),
)
def where(m, condition, a, b):
    """a where the condition is true, else b, elementwise. Both sides are computed.

    >>> where(True, 1.0, 2.0)
    1.0
    """
    return m.where(condition, a, b)


@gate(
    partials=(lambda y, a, b: greater_equal(a, b), lambda y, a, b: less(a, b)),
    symbol="max",
    kinks=_difference,
)
def maximum(m, a, b):
    """The larger of a and b, elementwise; nan where either is.

    A switch: the gradient goes to the input that came through, at a tie to the first.
    Source: the guide, "Patterns in the 'backward' flow".

    >>> maximum(2.0, 3.0)
    3.0
    """
    return m.maximum(a, b)


@gate(
    partials=(lambda y, a, b: less_equal(a, b), lambda y, a, b: greater(a, b)),
    symbol="min",
    kinks=_difference,
)
def minimum(m, a, b):
    """The smaller of a and b, elementwise; nan where either is. At a tie the first is pulled.

    >>> minimum(2.0, 3.0)
    2.0
    """
    return m.minimum(a, b)


@gate(
    partials=(
        lambda y, x, low, high: logical_and(greater_equal(x, low), less_equal(x, high)),
        lambda y, x, low, high: logical_and(less(x, low), less_equal(low, high)),
        lambda y, x, low, high: less(high, maximum(x, low)),
    ),
    domain=((-2.0, 2.0), (-1.5, -0.5), (0.5, 1.5)),
    kinks=lambda x, low, high: minimum(abs(x - low), abs(x - high)),
)
def clip(m, x, low, high):
    """x kept between low and high, elementwise. On a bound the gradient still goes to x.

    >>> clip(5.0, -1.0, 1.0)
    1.0
    """
    return m.minimum(m.maximum(x, low), high)
