"""Of a straight line that is not found, without an error; with PyTorch.

https://github.com/pytorch/pytorch/issues/16045

A linear regression came nowhere near its weights where labels were (n,) and outputs (n, 1). The
answer was a change of PyTorch, which warns since: the two are broadcast to a table of (n, n).
"""

import torch
from torch import nn

import pullback as pb

torch.manual_seed(0)
x = torch.randn(100, 2)
y = 10.0 + 9.0 * x[:, 0] - 2.0 * x[:, 1] + torch.randn(100)
model = nn.Linear(2, 1)
optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
report = pb.doctor(model, x, y, loss=nn.MSELoss(), optimizer=optimizer, epochs=30, batch_size=100)
print(report)
