"""Of a loss that stays at 2.30, that of chance among ten classes; with PyTorch.

https://discuss.pytorch.org/t/cross-entropy-loss-is-not-decreasing/43814

A net for ten classes did not learn, and why, was asked. The answer that others point to: it ends
with a softmax, and CrossEntropyLoss makes one of its own.
"""

import torch
from torch import nn

import pullback as pb
from pullback.datasets import load_dataset

digits = load_dataset("digits")
x, labels = torch.tensor(digits.inputs[:300]), torch.tensor(digits.labels[:300])
torch.manual_seed(0)
model = nn.Sequential(
    nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 32), nn.ReLU(), nn.Linear(32, 10), nn.Softmax(dim=1)
)
optimizer = torch.optim.SGD(model.parameters(), lr=0.5)
report = pb.doctor(model, x, labels, loss=nn.CrossEntropyLoss(), optimizer=optimizer, epochs=10)
print(report)
