"""Pictures of networks: small at any depth, one box a layer, what repeats shown once."""

import numpy as np
import pytest
from tests.inspect.pictures import (
    SVG,
    assert_clear,
    flows_down,
    of_class,
    root,
    shapes,
    strokes,
    texts,
    words,
)

import pullback as pb
from pullback.inspect.draw import Drawing, draw


def size(drawing: Drawing) -> tuple[float, float]:
    return float(root(drawing).get("width", "nan")), float(root(drawing).get("height", "nan"))


def batch(*shape: int) -> np.ndarray:
    return np.random.default_rng(0).normal(size=shape).astype("float32")


def stack(depth: int) -> pb.Sequential:
    hidden = [layer for _ in range(depth - 1) for layer in (pb.Dense(8), pb.ReLU())]
    return pb.Sequential(*hidden, pb.Dense(3))


def trained(depth: int) -> pb.Unit:
    loss = pb.SoftmaxCrossEntropy()(stack(depth)(batch(4, 8)), [0, 1, 2, 0])
    loss.backward()
    return loss


def convnet() -> pb.Unit:
    layers = (pb.Conv2d(4, 3), pb.BatchNorm(), pb.ReLU(), pb.MaxPool2d(2), pb.Flatten())
    return pb.Sequential(*layers, pb.Dense(3))(batch(2, 8, 8, 1))


def residual_net() -> pb.Unit:
    def block() -> pb.Residual:
        return pb.Residual(pb.Conv2d(4, 3, padding="same"), pb.BatchNorm(), pb.ReLU())

    blocks = [layer for _ in range(16) for layer in (block(), pb.ReLU())]
    ends = pb.GlobalAveragePool(), pb.Dense(3)
    return pb.Sequential(pb.Conv2d(4, 3, padding="same"), *blocks, *ends)(batch(1, 4, 4, 1))


def transformer() -> pb.Unit:
    blocks = (pb.TransformerBlock(2) for _ in range(12))
    return pb.Sequential(pb.Embedding(10, 8), *blocks, pb.Dense(10))(np.array([[1, 2, 3]]))


def lstm() -> pb.Unit:
    return pb.Sequential(pb.LSTM(4), pb.Dense(3))(batch(2, 7, 5))


def gan() -> list[pb.Unit]:
    make = pb.Sequential(pb.Dense(6), pb.ReLU(), pb.Dense(4), name="generator")
    judge = pb.Sequential(pb.Dense(6), pb.ReLU(), pb.Dense(1), name="discriminator")
    fake = judge(make(pb.Unit(batch(5, 3), "noise")))
    real = judge(pb.Unit(batch(5, 4), "real"))
    return [
        (pb.mean(pb.softplus(fake)) + pb.mean(pb.softplus(-real))).named("loss of discriminator"),
        pb.mean(pb.softplus(-fake)).named("loss of generator"),
    ]


NETWORKS = {
    **{f"{depth} layers": lambda depth=depth: trained(depth) for depth in (1, 2, 3, 50, 200)},
    "convnet": convnet,
    "residual": residual_net,
    "transformer": transformer,
    "lstm": lstm,
    "gan": gan,
}


@pytest.mark.parametrize("name", NETWORKS)
@pytest.mark.parametrize("flow", [None, "right", "down"])
def test_a_network_is_clear_and_fits_a_page(name, flow):
    drawing = draw(NETWORKS[name](), flow=flow)
    assert_clear(drawing)
    wide, high = size(drawing)
    assert wide <= 900
    assert high <= 1300
    assert len(shapes(drawing)) <= 40
    if flow is not None:
        assert flows_down(drawing) == (flow == "down")


def test_depth_costs_no_room():
    sizes = [size(draw(trained(depth))) for depth in (50, 200)]
    assert sizes[1] == pytest.approx(sizes[0], abs=30)  # the numbers in names are longer
    titles = texts(draw(trained(200)), "title")
    assert set(titles) == {"dense1 … relu199 × 199", "dense1", "dense200", "softmaxcrossentropy"}


def test_layers_that_differ_are_not_folded():
    widths = [layer for k in range(6) for layer in (pb.Dense(4 + k), pb.ReLU())]
    drawing = draw(pb.Sequential(*widths)(batch(2, 3)))
    assert texts(drawing, "title") == [f"dense{k}" for k in range(1, 7)]
    assert flows_down(drawing)
    assert_clear(drawing)


def test_two_of_a_kind_are_shown_and_three_are_folded():
    assert "dense1" in texts(draw(stack(3)(batch(4, 8))), "title")
    assert "dense1 … relu3 × 3" in texts(draw(stack(4)(batch(4, 8))), "title")
    unfolded = texts(draw(stack(4)(batch(4, 8)), fold=False), "title")
    assert unfolded == [f"dense{k}" for k in range(1, 5)]


def test_a_fold_begins_with_a_layer_not_with_the_activation_before_it():
    drawing = draw(stack(6)(batch(4, 2)))  # the first layer is of another shape
    assert texts(drawing, "title")[0] == "dense2 … relu5 × 4"


def test_inside_a_fold_are_shapes_and_after_it_what_the_last_made():
    x = pb.Unit(np.full((2, 2), 0.5), "x")
    y = x
    for k in range(4):
        with pb.scope(f"block{k}"):
            w = pb.Unit(np.eye(2) * 2.0, f"w{k}")
            y = y @ w + 1.0
    pb.sum(y).backward()
    drawing = draw(y)
    assert "block0 … 3 × 4" in texts(drawing, "title")
    assert [value for value in texts(drawing, "value") if "mean" in value] == [
        "mean 0.5",
        "mean 23",
    ]
    assert "norm 2" in texts(drawing, "grad")


def test_a_folded_layer_opens_by_its_name_and_the_rest_stays_folded():
    drawing = draw(stack(9)(batch(4, 8)), open="dense5")
    titles = texts(drawing, "title")
    assert "dense5" in titles
    assert "dense1 … relu4 × 4" in titles
    assert {"weight", "bias"} <= set(texts(drawing, "bold"))
    assert_clear(drawing)


def test_a_way_around_several_blocks_keeps_them_apart():
    h = x = pb.Unit(np.ones((2, 2)), "x")
    kept = []
    for k in range(4):
        with pb.scope(f"block{k}"):
            h = pb.tanh(h * 2.0)
        kept.append(h)
    drawing = draw(h + kept[1] + x)
    titles = [title for title in texts(drawing, "title") if "block" in title]
    assert "block0 … 3 × 4" not in titles
    assert_clear(drawing)


def test_blocks_that_share_a_wire_and_have_weights_made_elsewhere_fold():
    h, mask = pb.Unit(np.ones((2, 2)), "h"), pb.Unit(np.ones((2, 2)), "mask")
    weights = [pb.Unit(np.eye(2), f"w{k}") for k in range(5)]
    for k, w in enumerate(weights):
        with pb.scope(f"block{k}"):
            h = pb.tanh(h @ w) * mask
    drawing = draw(h)
    assert "block0 … 4 × 5" in texts(drawing, "title")
    assert set(texts(drawing, "bold")) >= {"h", "mask"}
    assert_clear(drawing)
    assert_clear(draw(h, open="block2"))


def test_dropout_folds_though_each_draws_by_itself():
    layers = [layer for _ in range(4) for layer in (pb.Dense(8), pb.ReLU(), pb.Dropout(0.5))]
    drawing = draw(pb.Sequential(*layers)(batch(3, 8), training=True))
    assert "dense1 … dropout4 × 4" in texts(drawing, "title")
    assert_clear(drawing)


def test_blocks_of_other_constants_or_shapes_do_not_fold():
    h = pb.Unit(np.ones((2, 2)), "h")
    for k in range(4):
        with pb.scope(f"block{k}"):
            h = pb.tanh(h * (0.5 + k % 2))
    assert [t for t in texts(draw(h), "title") if "×" in t] == []


def test_an_unrolled_network_folds_and_one_that_is_read_at_every_step_does_not():
    h, w = pb.units(h=0.0, w=0.5)
    read = []
    for _ in range(300):
        with pb.scope("cell"):
            h = pb.tanh(h * w + 1.0)
        h = h + w
        read.append(h)
    assert "cell × 300" in texts(draw(h), "title")
    assert_clear(draw(h))
    assert "cell × 300" not in draw(sum(read[1:], read[0])).svg


def test_a_name_in_every_block_opens_in_the_fold():
    drawing = draw(transformer(), open="attention")
    assert "transformerblock1 … 12 × 12" in texts(drawing, "title")
    assert "transpose" in texts(drawing, "word")
    assert_clear(drawing)


def test_a_layer_used_twice_has_its_weights_at_each_use():
    layer = pb.Dense(3, name="shared")
    x, y = pb.Unit(batch(2, 3), "x"), pb.Unit(batch(2, 3), "y")
    drawing = draw([layer(layer(x)) * layer(y)])
    assert_clear(drawing)
    boxes = [words(box) for box in of_class(drawing, "closed")]
    assert boxes
    assert all("12 parameters" in box for box in boxes)


def test_the_step_of_a_loop_opens():
    closed = draw(lstm(), open="lstm1/layer1")
    assert "7 steps" in texts(closed, "small")
    drawing = draw(lstm(), open="loop")
    assert "loop × 7 steps" in texts(drawing, "title")
    assert {"σ", "@", "×"} <= set(texts(drawing, "symbol"))
    assert_clear(drawing)
    assert "lstm1/layer1/loop" in drawing.groups


@pytest.mark.parametrize("reverse", [False, True])
def test_a_loop_of_the_users_opens_and_shows_what_goes_round(reverse):
    w, start = pb.units(w=0.5, start=1.0)
    x = pb.Unit([1.0, 2.0, 3.0], "x")
    h, y = pb.loop(lambda h, x: (pb.tanh(h * w + x), h * 2.0), start, x, reverse=reverse)
    for outputs in ([h, y], h, y, pb.gradient(pb.sum(h), w)):
        for opened in (None, True, False):
            assert_clear(draw(outputs, open=opened))
    drawing = draw(y, open="loop")
    assert texts(drawing, "word").count("tanh") == 1  # goes to the next step alone
    assert "loop × 3 steps" in texts(drawing, "title")


def test_loops_inside_a_loop_and_beside_it_have_names_of_their_own():
    def step(h, x):
        (inner,) = pb.loop(lambda g: g * 0.5, h, length=2)
        return inner[-1] + x

    x = pb.Unit([1.0, 2.0], "x")
    (a,) = pb.loop(step, 0.0, x)
    (b,) = pb.loop(lambda h, x: h + x, 0.0, x)
    drawing = draw([a, b])
    assert drawing.groups == ("loop", "loop2")
    assert_clear(draw([a, b], open=True))


def test_a_gradient_of_a_network_is_drawn():
    loss = trained(3)
    parameters = [unit for unit in pb.Circuit(loss).inputs if unit.scope]
    assert_clear(draw(pb.gradient(loss, parameters)))


def test_the_flow_is_one_of_two():
    with pytest.raises(pb.CircuitError, match=r"'right' or 'down'.*'up'"):
        draw(pb.Unit(1.0), flow="up")


def test_gates_flow_to_the_right_while_they_can_be_read():
    def chain(n: int) -> pb.Unit:
        y = pb.Unit(1.0, "x")
        for _ in range(n):
            y = pb.tanh(y)
        return y

    assert not flows_down(draw(chain(7)))
    assert flows_down(draw(chain(25)))
    assert size(draw(chain(25), flow="right"))[0] == 900


def test_wires_reach_the_boxes_below():
    drawing = draw(stack(3)(batch(4, 8)), flow="down", fold=False)
    boxes = [shape for shape in shapes(drawing) if "dense" in shape.what]
    ends = {(round(x1), round(y1)) for _, _, x1, y1 in strokes(drawing)}
    for box in boxes:
        assert any(box.contains(x, y, 1.0) for x, y in ends), box
    assert root(drawing).find(f"{SVG}title") is not None
