"""Each disease of PyTorch's own is found where it was planted, its cure helps, and nowhere else."""

from __future__ import annotations

import math

import pytest

pytest.importorskip("torch", reason="torch is not installed: see the extra `bench`")

from tests.diagnosis.torch.planted import (
    all_found,
    found,
    helps,
    loader,
    net,
    nn,
    patient,
    rows,
    sgd,
    torch,
)

import pullback as pb
from pullback.diagnosis.disease import DISEASES
from pullback.diagnosis.torch.diseases import known
from pullback.diagnosis.torch.own import OWN

X, Y = rows()
QUANTITY = X[:, 0] * 2.0 + X[:, 1]


class Net(nn.Module):
    """A net of two layers whose `forward` is made of functions."""

    def __init__(self, between):
        super().__init__()
        self.one, self.other = nn.Linear(4, 16), nn.Linear(16, 2)
        self.between = between

    def forward(self, x):
        return self.other(self.between(self.one(x)))


def of_functions(between):
    torch.manual_seed(0)
    return Net(between)


@pytest.mark.parametrize("kind", ["modules", "functions", "quantity"])
def test_a_net_that_is_well_has_none(kind):
    if kind == "quantity":
        model = net(1)
        who = patient(model, loader(X, QUANTITY[:, None]), nn.MSELoss(), sgd(model, 0.01))
    else:
        model = net() if kind == "modules" else of_functions(torch.relu)
        who = patient(model, loader(X, Y))
    assert all_found(who) == []


# Labels ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "criterion", [nn.MSELoss(), nn.L1Loss(), lambda a, b: ((a - b) ** 2).mean()]
)
def test_labels_without_the_axis_of_the_outputs_are_broadcast(criterion):
    model = net(1)
    who = patient(model, loader(X, QUANTITY), criterion, sgd(model, 0.01))
    (finding,) = found("broadcast labels", who)
    assert finding.severity == "severe"
    assert finding.certain
    assert "(n, 1)" in finding.evidence
    assert "(n,)" in finding.evidence
    cured = finding.cure.change(who)
    assert found("broadcast labels", cured) == []
    assert cured.train(monitor=False).final("loss") < 0.2 * who.train(monitor=False).final("loss")


def test_labels_of_the_other_shape_that_are_not_broadcast_are_well():
    model = net(1)
    criterion = lambda a, b: nn.functional.mse_loss(a.flatten(), b)
    who = patient(model, loader(X, QUANTITY), criterion, sgd(model, 0.01))
    assert found("broadcast labels", who) == []


@pytest.mark.parametrize(
    ("labels", "outputs", "criterion", "code"),
    [
        (Y.float(), 2, nn.CrossEntropyLoss(), "labels.long()"),
        (Y[:, None], 2, nn.CrossEntropyLoss(), "labels.squeeze(1)"),
        (Y, 1, nn.BCEWithLogitsLoss(), "labels.reshape(outputs.shape).float()"),
    ],
)
def test_labels_that_pytorch_refuses_are_told_what_to_become(labels, outputs, criterion, code):
    model = net(outputs)
    who = patient(model, loader(X, labels), criterion, sgd(model))
    (finding,) = found("wrong loss", who)
    assert code in finding.cure.code
    assert who.train(monitor=False).final("validation_accuracy") > 0.7  # with what they became


def test_scores_under_nll_loss_are_no_logarithms():
    model = net()
    who = patient(model, loader(X, Y), nn.NLLLoss(), sgd(model))
    (finding,) = found("wrong loss", who)
    assert "CrossEntropyLoss" in finding.cure.code
    assert helps(finding, who, "validation_accuracy")


def test_logarithms_under_nll_loss_are_well():
    model = net(2, nn.LogSoftmax(dim=1))
    assert found("wrong loss", patient(model, loader(X, Y), nn.NLLLoss(), sgd(model))) == []


# Outputs -----------------------------------------------------------------------------------------


def test_a_softmax_under_cross_entropy_is_the_second():
    who = patient(net(2, nn.Softmax(dim=1)), loader(X, Y))
    (finding,) = found("softmax twice", who)
    assert finding.where == "3"
    assert "Identity" in finding.cure.code
    assert helps(finding, who)


def test_a_softmax_that_is_a_function_is_seen_too():
    model = nn.Sequential(of_functions(torch.relu))
    model.forward = lambda x: torch.softmax(model[0](x), dim=1)
    criterion = lambda outputs, labels: nn.functional.cross_entropy(outputs, labels)
    assert found("softmax twice", patient(model, loader(X, Y), criterion)) == []  # who knows it?
    (finding,) = found("softmax twice", patient(model, loader(X, Y)))
    assert "without torch.softmax" in finding.cure.code


def test_a_sigmoid_under_the_criterion_that_has_its_own():
    model = net(1, nn.Sigmoid())
    labels = Y[:, None].float()
    who = patient(model, loader(X, labels), nn.BCEWithLogitsLoss(), sgd(model))
    (finding,) = found("softmax twice", who)
    assert "sigmoid" in finding.evidence
    assert found("softmax twice", patient(model, loader(X, labels), nn.BCELoss(), sgd(model))) == []


def test_a_log_softmax_is_the_same_twice_as_once():
    assert found("softmax twice", patient(net(2, nn.LogSoftmax(dim=1)), loader(X, Y))) == []


# Parameters --------------------------------------------------------------------------------------


def test_an_optimizer_that_holds_another_module():
    who = patient(net(), loader(X, Y), None, sgd(net(seed=1)))
    (finding,) = found("frozen parameters", who)
    assert finding.severity == "severe"
    assert "4 of other modules" in finding.evidence
    assert finding.cure.code.startswith("optimizer = torch.optim.SGD(model.parameters(), lr=0.1")
    assert helps(finding, who)


def test_parameters_without_gradients():
    model = net()
    optimizer = sgd(model)
    model[0].requires_grad_(False)
    (finding,) = found("frozen parameters", patient(model, loader(X, Y), None, optimizer))
    assert finding.severity == "mild"
    assert not finding.certain  # who trains a head of a net that has learned does so too
    model.requires_grad_(False)
    who = patient(model, loader(X, Y), None, optimizer)
    (finding,) = found("frozen parameters", who)
    assert finding.severity == "severe"
    assert helps(finding, who)


def test_what_comes_before_a_detach_learns_nothing():
    who = patient(of_functions(lambda h: torch.relu(h).detach()), loader(X, Y))
    (finding,) = found("disconnected parameters", who)
    assert finding.where == "one"
    assert finding.severity == "severe"


def test_a_layer_that_is_never_called_is_noted():
    model = of_functions(torch.relu)
    model.third = nn.Linear(3, 3)
    (finding,) = found("disconnected parameters", patient(model, loader(X, Y)))
    assert (finding.where, finding.severity) == ("third", "note")


def test_weight_decay_that_leaves_nothing():
    model = net()
    who = patient(model, loader(X, Y), None, sgd(model, weight_decay=1.0))
    (finding,) = found("penalty too strong", who)
    assert "weight_decay=0.01" in finding.cure.code
    assert helps(finding, who)


def test_a_usual_weight_decay_is_well():
    model = net()
    optimizer = torch.optim.AdamW(model.parameters(), lr=0.01)
    assert found("penalty too strong", patient(model, loader(X, Y), None, optimizer)) == []


# Structure ---------------------------------------------------------------------------------------


def test_two_linear_layers_in_a_row():
    who = patient(of_functions(lambda h: h), loader(X, Y))
    (finding,) = found("missing nonlinearity", who)
    assert (finding.where, finding.severity) == ("other", "severe")
    assert "all of the net is one linear map" in finding.evidence
    assert not finding.certain  # a line may be all there is to learn
    assert found("missing nonlinearity", finding.cure.change(who)) == []
    assert helps(finding, who)


@pytest.mark.parametrize("between", [nn.Dropout(0.1), nn.BatchNorm1d(16), nn.Flatten()])
def test_what_does_not_bend_between_them_is_looked_through(between):
    who = patient(nn.Sequential(nn.Linear(4, 16), between, nn.Linear(16, 2)), loader(X, Y))
    assert len(found("missing nonlinearity", who)) == 1


def test_factors_of_one_matrix_are_meant():
    model = nn.Sequential(nn.Linear(4, 16), nn.ReLU(), nn.Linear(16, 2), nn.Linear(2, 8))
    assert found("missing nonlinearity", patient(model, loader(X, Y))) == []


# Modes -------------------------------------------------------------------------------------------


def test_a_module_in_eval_mode():
    model = nn.Sequential(nn.Linear(4, 16), nn.BatchNorm1d(16), nn.ReLU(), nn.Linear(16, 2))
    assert found("wrong mode", patient(model, loader(X, Y))) == []
    who = patient(model.eval(), loader(X, Y))
    (finding,) = found("wrong mode", who)
    assert (finding.where, finding.severity) == ("1", "note")
    assert found("wrong mode", finding.cure.change(who)) == []
    assert not model.training


def test_dropout_that_never_rests():
    forgot = of_functions(lambda h: nn.functional.dropout(torch.relu(h), 0.5))
    (finding,) = found("dropout at test time", patient(forgot, loader(X, Y)))
    assert "training=self.training" in finding.cure.code
    well = nn.Sequential(nn.Linear(4, 16), nn.Dropout(0.5), nn.ReLU(), nn.Linear(16, 2))
    assert found("dropout at test time", patient(well, loader(X, Y))) == []


# Numbers -----------------------------------------------------------------------------------------


def test_rows_that_are_no_numbers():
    x = X.clone()
    x[3, 1], x[7, 0] = math.nan, math.inf
    for shuffle in (True, False):
        who = patient(net(), loader(x, Y, shuffle=shuffle))
        (finding,) = found("not a number", who)
        assert finding.evidence.startswith("2 of 160 rows")
        assert finding.evidence.endswith(": 3, 7")
    assert len(who.data) + len(who.held_out) == 158
    assert sum(who.sizes) == len(who.data)


def test_the_layer_that_breaks_is_named():
    who = patient(of_functions(lambda h: torch.log(torch.relu(h))), loader(X, Y))
    (finding,) = found("not a number", who)
    assert finding.where == "other"
    assert "infinite or nan" in finding.evidence


def test_a_gradient_that_breaks_is_named():
    who = patient(of_functions(lambda h: torch.sqrt(h * 0.0)), loader(X, Y))
    (finding,) = found("not a number", who)
    assert "MulBackward0" in finding.evidence
    assert "test_diseases.py, line" in finding.evidence


def test_a_parameter_that_is_broken_at_the_start():
    model = net()
    with torch.no_grad():
        model[2].weight[0, 0] = math.nan
    (finding,) = found("not a number", patient(model, loader(X, Y)))
    assert finding.where == "2.weight"


# Of all nets -------------------------------------------------------------------------------------


def test_what_a_disease_brings_is_declared_once():
    alike = set(OWN) & set(DISEASES) - {"wrong loss"}  # under which PyTorch has one of its own too
    assert {"saturated units", "batch too small"} < alike
    for name in alike:
        assert not OWN[name].brings
        assert known()[name].brings == DISEASES[name].brings


@pytest.mark.parametrize(
    ("name", "rate"), [("learning rate too high", 30.0), ("learning rate too low", 1e-6)]
)
def test_rates_are_swept_and_told_in_pytorch(name, rate):
    model = net()
    who = patient(model, loader(X, Y), None, sgd(model, rate))
    (finding,) = found(name, who)
    assert "torch.optim.SGD(model.parameters(), lr=" in finding.cure.code
    assert "pb." not in finding.cure.code
    assert helps(finding, who)
    cured = finding.cure.change(who)
    trained = cured.train(epochs=2, monitor=False).trainer.model
    assert not torch.equal(trained[0].weight, cured.parts.model[0].weight)  # its own are moved


def test_inputs_are_scaled_in_pytorch():
    who = patient(net(), loader(1e4 * X, Y))
    (finding,) = found("unscaled inputs", who)
    assert "x_train.mean(dim=0)" in finding.cure.code
    assert helps(finding, who)


# Size of what flows ------------------------------------------------------------------------------


def deep(bend, layers=8, scale=1.0):
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(4, 16), bend())
    for _ in range(layers - 2):
        model.extend([nn.Linear(16, 16), bend()])
    model.append(nn.Linear(16, 2))
    with torch.no_grad():
        for p in model.parameters():
            p.mul_(scale)
    return model


def test_deep_sigmoids_pass_no_gradient():
    who = patient(deep(nn.Sigmoid), loader(X, Y), epochs=30)
    (finding,) = found("vanishing gradients", who)
    assert (finding.where, finding.severity) == ("0", "severe")
    assert "torch.nn.ReLU()" in finding.cure.code
    assert found("vanishing gradients", finding.cure.change(who)) == []
    assert helps(finding, who)


def test_large_weights_make_gradients_explode():
    who = patient(deep(nn.ReLU, scale=8.0), loader(X, Y))
    (finding,) = found("exploding gradients", who)
    assert "kaiming" in finding.cure.code
    assert found("exploding gradients", finding.cure.change(who)) == []
    assert helps(finding, who)
    assert len(found("badly scaled initialization", who)) == 1


def test_large_weights_saturate_a_tanh():
    who = patient(deep(nn.Tanh, layers=3, scale=30.0), loader(X, Y))
    (finding,) = found("saturated units", who)
    assert "xavier" in finding.cure.code
    assert found("saturated units", finding.cure.change(who)) == []


def test_relus_that_no_row_reaches():
    model = net()
    nn.init.constant_(model[0].bias, -20.0)
    who = patient(model, loader(X, Y))
    (finding,) = found("dying ReLUs", who)
    assert (finding.where, finding.severity) == ("1", "severe")
    assert "after training" in finding.evidence
    assert "torch.nn.LeakyReLU(0.01)" in finding.cure.code
    assert found("dying ReLUs", finding.cure.change(who)) == []
    assert found("dying ReLUs", patient(net(), loader(X, Y))) == []


@pytest.mark.parametrize(
    ("value", "name"), [(0.0, "zero initialization"), (0.1, "equal initialization")]
)
def test_units_that_start_alike(value, name):
    model = net()
    nn.init.constant_(model[0].weight, value)
    nn.init.constant_(model[0].bias, 0.1)
    nn.init.constant_(model[2].weight, value)
    who = patient(model, loader(X, Y))
    (finding,) = found(name, who)
    assert "0.weight" in finding.evidence
    assert helps(finding, who)


def test_a_last_layer_that_starts_at_zero_is_well():
    model = net()
    nn.init.zeros_(model[2].weight)
    assert found("zero initialization", patient(model, loader(X, Y))) == []


def test_batches_that_are_too_small_to_normalize_by():
    model = nn.Sequential(nn.Linear(4, 16), nn.BatchNorm1d(16), nn.ReLU(), nn.Linear(16, 2))
    (finding,) = found("batch too small", patient(model, loader(X, Y, size=2), batch_size=2))
    assert "batch_size=32, shuffle=True" in finding.cure.code
    assert found("batch too small", patient(model, loader(X, Y))) == []


def test_the_code_of_a_cure_does_what_was_tried():
    x = torch.randn(200, 3, generator=torch.Generator().manual_seed(0))
    y = (x[:, 0] * x[:, 1] > 0).long()

    def cured(disease, *layers):
        model = torch.nn.Sequential(*layers)
        optimizer = torch.optim.Adam(model.parameters(), lr=0.02)
        report = pb.doctor(
            model,
            x,
            y,
            loss=torch.nn.CrossEntropyLoss(),
            optimizer=optimizer,
            epochs=4,
            seconds=3.0,
        )
        found = [x for x in report.findings for x in (x, *x.consequences) if x.disease == disease]
        exec(found[0].cures[0].code, {"torch": torch, "model": model})
        return [type(module).__name__ for module in model.modules()]

    linear = torch.nn.Linear
    assert (
        cured("softmax twice", linear(3, 8), torch.nn.ReLU(), linear(8, 2), torch.nn.Softmax(1))[-1]
        == "Identity"
    )
    kinds = cured("missing nonlinearity", linear(3, 16), linear(16, 16), linear(16, 2))
    assert kinds.count("ReLU") == 2
