"""The table of a model's layers."""

import numpy as np
import pytest

import pullback as pb
from pullback.core.abstract import Abstract
from pullback.layers import BatchNorm, Dropout, Embedding, Flatten, Model, Parallel, Residual


def test_a_summary_counts_what_there_is():
    shared = pb.Dense(8)
    model = pb.Sequential(
        Flatten(), shared, BatchNorm(), Residual(shared, Dropout()), pb.Dense(2, bias=False)
    )
    summary = model.summary((4, 2))
    assert str(summary).splitlines() == [
        "name                layer                 output  parameters",
        "flatten1            Flatten()             (n, 8)           0",
        "dense1              Dense(8)              (n, 8)          72",
        "batchnorm1          BatchNorm()           (n, 8)          16",
        "residual1           Residual(…)           (n, 8)           0",
        "dense1              Dense(8)              (n, 8)      shared",
        "residual1.dropout1  Dropout()             (n, 8)           0",
        "dense2              Dense(2, bias=False)  (n, 2)          16",
        "104 parameters, 16 of state, 480 bytes",
    ]
    assert summary.parameters == sum(unit.size for unit in model.parameters.values())
    assert summary.state == sum(unit.size for unit in model.state.values())
    sources = [*model.parameters.values(), *model.state.values()]
    assert summary.nbytes == sum(unit.value.nbytes for unit in sources)


def test_a_summary_changes_nothing_but_makes_parameters():
    model = pb.Sequential(pb.Dense(3), BatchNorm(), rng=1)
    model.summary(4)
    twin = pb.Sequential(pb.Dense(3), BatchNorm(), rng=1)
    x = np.random.default_rng(0).normal(size=(5, 4))
    np.testing.assert_array_equal(model(x).value, twin(x).value)
    before = {name: unit.value for name, unit in {**model.parameters, **model.state}.items()}
    assert str(model.summary()) == str(model.summary(4))
    for name, unit in {**model.parameters, **model.state}.items():
        np.testing.assert_array_equal(unit.value, before[name])


def test_frozen_parameters_are_counted_apart():
    summary = pb.Sequential(pb.Dense(3).freeze(), pb.Dense(2)).summary(4)
    assert (summary.parameters, summary.frozen, summary.state) == (8, 15, 0)
    assert summary.totals == "8 parameters, 15 frozen, 92 bytes"


def test_a_layer_by_itself_several_inputs_and_integers():
    assert str(pb.Dense(3).summary(4)).splitlines()[1].split() == [
        "dense",
        "Dense(3)",
        "(n,",
        "3)",
        "15",
    ]
    towers = Parallel(pb.Dense(2), pb.Dense(3), join="none")
    assert "(n, 2), (n, 3)" not in str(towers.summary(4, 5))  # the root, which owns nothing itself
    assert [row.output for row in towers.summary(4, 5).rows] == ["(n, 2)", "(n, 3)"]
    nested = pb.Sequential(towers).summary(4, 5)
    assert nested.rows[0].output == "(n, 2), (n, 3)"
    assert Embedding(10, 4).summary(7, dtype="int64").rows[0].output == "(n, 7, 4)"
    assert Embedding(10, 4).summary((), dtype="int64").rows[0].output == "(n, 4)"


def test_a_model_of_functions_shows_the_layers_it_calls():
    def forward(layers, x, training):
        return layers.a(layers.a(x)).sum()

    model = Model(forward, a=pb.Dense(3), unused=pb.Dense(3))
    summary = pb.Sequential(model).summary(3)
    assert [(row.name, row.output, row.shared) for row in summary.rows] == [
        ("model1", "()", False),
        ("model1.a", "(n, 3)", False),
        ("model1.a", "(n, 3)", True),
    ]
    assert summary.parameters == 12


def test_it_fits_80_columns_whatever_the_names():
    inner = pb.Dense(3, bias=False, initializer="glorot_normal", dtype="float64", name="x" * 50)
    deep = pb.Sequential(pb.Sequential(pb.Sequential(inner, name="y" * 50), name="z" * 50))
    text = str(deep.summary(1000))
    assert max(map(len, text.splitlines())) <= 80
    assert "…" in text
    assert str(deep.summary(1000)) == repr(deep.summary(1000))


def test_notebooks_show_a_table_in_which_names_cannot_be_markup():
    page = pb.Sequential(pb.Dense(3, name="<b>")).summary(4)._repr_html_()
    assert page.startswith("<table>")
    assert "&lt;b&gt;" in page
    assert "<b>" not in page
    assert page.count("<tr>") == page.count("</tr>") == 2
    assert "15 parameters" in page


def test_without_a_shape_an_unbuilt_model_says_what_it_needs():
    with pytest.raises(pb.CircuitError, match="tell the shape of an input's row"):
        pb.Sequential(pb.Dense(3)).summary()
    model = pb.Sequential(pb.Dense(3))
    model.summary(4)
    with pytest.raises(pb.CircuitError, match="layer 'dense1' expects"):
        model.summary(5)
    with pytest.raises(pb.CircuitError, match=r"a summary needs the sizes of a row, .* got 'x'"):
        pb.Dense(3).summary("x")
    with pytest.raises(pb.CircuitError, match="a summary needs the sizes of a row"):
        pb.Dense(3).summary((4, -1))
    with pytest.raises(pb.CircuitError, match="a summary needs the sizes of a row"):
        pb.Dense(3).summary(4, dtype="number")


def test_nothing_is_computed_unless_a_layer_looks_at_numbers():
    class Watched(pb.Layer):
        def apply(self, x, *, training):
            seen.append(type(x._value))
            assert not asks or np.all(x.value == 0.0)
            return x

    texts = []
    for asks in (False, True):
        seen: list[type] = []
        texts.append(str(pb.Sequential(pb.Dense(3), Watched(), pb.Dense(2), rng=0).summary(4)))
        assert seen == ([Abstract, np.ndarray] if asks else [Abstract])
    assert texts[0] == texts[1]
