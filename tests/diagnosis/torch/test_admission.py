"""What people bring of PyTorch is taken, or refused with what to do, and is left as it was."""

from __future__ import annotations

import random

import numpy as np
import pytest

from pullback.core.errors import CircuitError
from pullback.diagnosis.examination import Clock, Examination

pytest.importorskip("torch", reason="torch is not installed: see the extra `bench`")

from tests.diagnosis.torch.planted import all_found, loader, net, nn, patient, rows, torch

X, Y = rows()


class Answers(nn.Module):
    """A net that hands its scores to a function before it answers."""

    def __init__(self, how):
        super().__init__()
        self.inside, self.how = net(), how

    def forward(self, x):
        return self.how(self.inside(x))


def by_name(outputs, labels):
    return nn.functional.cross_entropy(outputs["scores"], labels)


def test_answers_in_a_dict_are_trained_and_looked_at():
    who = patient(Answers(lambda y: {"scores": y}), loader(X, Y), by_name, epochs=2)
    assert np.isfinite(who.train(monitor=False).final("validation_loss"))
    assert who.parts.outputs(who.data).shape == (128, 2)
    assert Examination(who, Clock(60.0)).start["inside.2"].kind == "Dense"
    assert not all_found(who)


def test_answers_in_bfloat16_are_read():
    who = patient(Answers(lambda y: y.bfloat16()), loader(X, Y), epochs=2)
    assert np.isfinite(who.train(monitor=False).final("validation_loss"))
    assert not all_found(who)


def test_answers_without_a_tensor_are_refused():
    with pytest.raises(CircuitError, match=r"answers str.*wrap it in a module"):
        patient(Answers(str), loader(X, Y))


def test_whatever_the_code_of_a_module_or_a_criterion_raises_is_named():
    with pytest.raises(CircuitError, match="refuses the batch: KeyError: 'scores'"):
        patient(Answers(lambda y: {}["scores"]), loader(X, Y))
    with pytest.raises(CircuitError, match=r"criterion refuses .* AttributeError: .*'logits'"):
        patient(net(), loader(X, Y), lambda outputs, labels: outputs.logits.mean())


def test_several_tensors_of_a_batch_that_are_no_inputs_are_named():
    data = torch.utils.data.TensorDataset(X, Y, Y)
    with pytest.raises(CircuitError, match="2 tensors were taken for inputs and the last one"):
        patient(net(), torch.utils.data.DataLoader(data, 16))


def test_a_compiled_module_is_looked_into():
    who = patient(torch.compile(net(), backend="eager"), loader(X, Y))
    assert isinstance(who.parts.model, nn.Sequential)


def test_a_lazy_module_is_to_see_a_batch_first():
    model = nn.Sequential(nn.LazyLinear(2))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    with pytest.raises(CircuitError, match=r"'0\.weight' .* has no shape yet"):
        patient(model, loader(X, Y), None, optimizer)


def test_random_numbers_of_a_user_go_on_from_where_they_were():
    class Noisy(torch.utils.data.Dataset):
        def __len__(self):
            return len(X)

        def __getitem__(self, k):
            return X[k] + np.float32(0.01 * np.random.randn() + 0.01 * random.random()), Y[k]  # noqa: NPY002

    generator = torch.Generator().manual_seed(3)
    sampler = torch.utils.data.WeightedRandomSampler(torch.ones(160), 160, generator=generator)
    before = generator.get_state(), random.getstate(), np.random.get_state()[1].tolist()  # noqa: NPY002
    data = torch.utils.data.DataLoader(Noisy(), 16, sampler=sampler)
    one, other = (patient(net(), data) for _ in range(2))
    after = generator.get_state(), random.getstate(), np.random.get_state()[1].tolist()  # noqa: NPY002
    assert torch.equal(before[0], after[0])
    assert before[1:] == after[1:]
    assert np.array_equal(one.inputs[0], other.inputs[0])
