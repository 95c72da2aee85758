"""A module of PyTorch is examined as a Trainer is, and stays what it was."""

from __future__ import annotations

import copy

import numpy as np
import pytest

import pullback as pb
from pullback.core.errors import CircuitError
from pullback.diagnosis import doctor
from pullback.diagnosis.examination import Clock, Examination

pytest.importorskip("torch", reason="torch is not installed: see the extra `bench`")

from tests.diagnosis.torch.planted import (
    found,
    loader,
    net,
    nn,
    patient,
    rows,
    sgd,
    taken,
    torch,
)

X, Y = rows()


def test_a_report_has_the_finding_the_proof_and_what_cannot_be_seen():
    model = net(2, nn.Softmax(dim=1))
    optimizer = sgd(model)
    before = copy.deepcopy(model.state_dict())
    chance = torch.get_rng_state()
    report = doctor(
        model,
        loader(X, Y),
        loss=nn.CrossEntropyLoss(),
        optimizer=optimizer,
        epochs=3,
        seconds=3.0,
        progress=False,
    )
    assert "softmax twice" in [x.disease for x in report.findings]
    assert "zero_grad" in str(report)
    assert "pb." not in str(report)
    for name, value in model.state_dict().items():
        assert torch.equal(value, before[name])
    assert not optimizer.state
    assert torch.equal(torch.get_rng_state(), chance)
    k = 1 + [x.disease for x in report.findings].index("softmax twice")
    cured = report.apply(k)
    assert isinstance(cured.model[3], nn.Identity)
    assert report.to_json_dict()["findings"]


def test_the_same_seed_gives_the_same_training():
    who = patient(nn.Sequential(net(), nn.Dropout(0.3)), loader(X, Y))
    one, other = (who.train(monitor=False).history for _ in range(2))
    assert one["loss"] == other["loss"]
    assert one["loss"] != who.train(seed=1, monitor=False).history["loss"]


def test_training_is_what_the_usual_loop_does():
    model = net()
    who = patient(model, loader(X, Y, shuffle=False), epochs=2)
    trained = who.train(monitor=False)
    optimizer = sgd(model)
    for _ in range(2):
        for inputs, labels in who.batches():
            optimizer.zero_grad()
            nn.CrossEntropyLoss()(model(torch.tensor(inputs)), torch.tensor(labels)).backward()
            optimizer.step()
    for ours, theirs in zip(trained.trainer.model.parameters(), model.parameters(), strict=True):
        torch.testing.assert_close(ours, theirs)


def test_validation_is_measured_as_pytorch_does():
    model = net().eval()
    who = patient(model, loader(X, Y), validation=(X[:50], Y[:50]))
    loss = nn.CrossEntropyLoss()(model(X[:50]), Y[:50]).item()
    accuracy = (model(X[:50]).argmax(1) == Y[:50]).float().mean().item()
    measured = who.parts.trainer().judge(who.held_out)
    assert measured == pytest.approx({"loss": loss, "accuracy": accuracy}, rel=1e-5)


def test_a_loader_without_shuffle_keeps_its_batches():
    assert patient(net(), loader(X, Y)).sizes == ()
    who = patient(net(), loader(X, Y, shuffle=False))
    assert len(who.sizes) == 10
    assert np.array_equal(who.inputs[0][:4], X[:4].numpy())  # of five rows the last is held out
    batches = [(X[:20], Y[:20]), (X[20:40], Y[20:40])]
    assert sum(patient(net(), batches).sizes) == 32


def test_of_a_large_set_rows_are_drawn():
    x, y = torch.arange(500.0)[:, None].repeat(1, 4), torch.zeros(500, dtype=torch.long)
    who = patient(net(), loader(x, y))
    assert len(who.data) + len(who.held_out) == 200
    assert who.inputs[0].max() > 400
    assert who.batch_size == 16


def test_batches_of_a_sampler_of_ones_own_are_asked_twice():
    class Sampler:
        def __init__(self, rng):
            self.rng = rng

        def __len__(self):
            return 10

        def __iter__(self):
            order = self.rng(160)
            return iter([order[k : k + 16] for k in range(0, 160, 16)])

    for rng, in_order in ((np.arange, True), (np.random.default_rng(0).permutation, False)):
        kinds = torch.utils.data
        data = kinds.DataLoader(kinds.TensorDataset(X, Y), batch_sampler=Sampler(rng))
        assert bool(patient(net(), data).sizes) == in_order


def test_activations_are_those_of_hooks_and_of_functions():
    model = nn.Sequential(
        nn.Unflatten(1, (1, 2, 2)),
        nn.Conv2d(1, 3, 2, padding=1),
        nn.ReLU(inplace=True),
        nn.Flatten(),
        nn.Linear(27, 2),
    )
    start = Examination(patient(model, loader(X, Y)), Clock(60.0)).start
    assert start is not None
    kinds = [row.kind for row in start.rows]
    assert kinds == ["", "Unflatten", "Conv2d", "ReLU", "Flatten", "Dense"]
    assert start["1"].shape[-1] == 3  # its units come last
    assert start["1"].std != start["2"].std  # though it was changed in its place
    assert all(row.gradient for row in start.rows[2:])
    weight = model[4].weight.detach().numpy()
    assert start["4"].weight == pytest.approx(float(weight.std()), rel=1e-5)


def test_dead_units_are_seen_behind_functions():
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.one, self.other = nn.Linear(4, 8), nn.Linear(8, 2)
            with torch.no_grad():
                self.one.bias.fill_(-100.0)

        def forward(self, x):
            return self.other(torch.relu(self.one(x)))

    (finding,) = found("dying ReLUs", patient(Net(), loader(X, Y)))
    assert finding.severity == "severe"
    assert finding.where == "relu 1"


def test_a_module_that_was_trained_begins_anew():
    model = net()
    optimizer = sgd(model)
    nn.CrossEntropyLoss()(model(X), Y).backward()
    optimizer.step()
    who, notes = taken(model, loader(X, Y), None, optimizer)
    assert any("reset_parameters" in note for note in notes)
    assert not torch.equal(who.parts.model[0].weight, model[0].weight)


def test_several_inputs_come_before_the_labels():
    class Two(nn.Module):
        def __init__(self):
            super().__init__()
            self.layer = nn.Linear(8, 2)

        def forward(self, one, other):
            return self.layer(torch.cat([one, other], dim=1))

    data = torch.utils.data.DataLoader(torch.utils.data.TensorDataset(X, X, Y), batch_size=32)
    model = Two()
    history = patient(model, data).train(monitor=False).history
    assert history["loss"][-1] < history["loss"][0]


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"loss": None}, "needs the criterion"),
        ({"optimizer": None}, "needs the optimizer"),
        ({"loss": nn.CrossEntropyLoss(reduction="none")}, "reduction='none'"),
        ({"data": [X, Y]}, "a batch is"),
        ({"data": loader(X.double(), Y)}, "the module refuses the batch"),
        ({"data": loader(X, Y + 5)}, "the criterion refuses"),
    ],
)
def test_what_cannot_be_examined_is_refused(given, message):
    model = net()
    told = {"data": loader(X, Y), "loss": nn.CrossEntropyLoss(), "optimizer": sgd(model)} | given
    with pytest.raises(CircuitError, match=message):
        doctor(model, told.pop("data"), progress=False, **told)


def test_a_trainer_has_its_own_loss():
    trainer = pb.Trainer(pb.Dense(2), pb.SoftmaxCrossEntropy(), pb.SGD(0.1), engine="eager")
    with pytest.raises(CircuitError, match="has its loss"):
        doctor(trainer, X.numpy(), Y.numpy(), loss=nn.CrossEntropyLoss())
