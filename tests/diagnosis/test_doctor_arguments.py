"""What makes no sense is refused by its name, and is no disease."""

import pytest
from tests.diagnosis.small import X, Y

import pullback as pb
from pullback.diagnosis import doctor


def examined(data=X, labels=Y, **how):
    trainer = pb.Trainer(
        pb.Sequential(pb.Dense(2), rng=0), pb.SoftmaxCrossEntropy(), pb.SGD(0.1), engine="eager"
    )
    return doctor(trainer, data, labels, progress=False, **how)


@pytest.mark.parametrize(
    ("how", "told"),
    [
        ({"epochs": 0}, "epochs must be a whole number"),
        ({"batch_size": 0}, "batch_size must be a whole number"),
        ({"batch_size": 2.5}, "batch_size must be a whole number"),
        ({"validation": 1.0}, "validation must be a share"),
        ({"validation": True}, "validation must be a share"),
        ({"validation": None}, "validation is a share"),
        ({"validation": "x"}, "validation is a share"),
        ({"validation": (X[:5],)}, "validation data are"),
        ({"data": X[:1], "labels": Y[:1]}, "leaves no rows"),
        ({"labels": None}, "needs labels"),
        ({"data": [], "labels": None}, "no training batches"),
    ],
)
def test_what_is_no_fault_of_the_labels_is_refused(how, told):
    with pytest.raises(pb.CircuitError, match=told):
        examined(**how)


def test_a_module_needs_rows_to_judge_by_too():
    torch = pytest.importorskip("torch", reason="torch is not installed: see the extra `bench`")
    model = torch.nn.Linear(4, 2)
    loss, optimizer = torch.nn.CrossEntropyLoss(), torch.optim.SGD(model.parameters(), 0.1)
    x, y = torch.zeros(8, 4), torch.zeros(8, dtype=torch.long)
    with pytest.raises(pb.CircuitError, match="validation is a share"):
        doctor(model, x, y, loss=loss, optimizer=optimizer, validation=None)
