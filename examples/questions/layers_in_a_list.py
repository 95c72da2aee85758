"""Of layers that stand in a list, and that no optimizer ever sees; with PyTorch.

https://github.com/pytorch/pytorch/issues/715

Layers in a list are not among the parameters of a module, and whether that is meant, was asked. The
answer: it is, and nn.ModuleList makes them known.
"""

import torch
from torch import nn

import pullback as pb


class Net(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.hidden = [[nn.Linear(k, 32), nn.Tanh()] for k in (2, 32, 32)]
        self.classifier = nn.Linear(32, 3)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        for linear, act in self.hidden:
            x = act(linear(x))
        return self.classifier(x)


torch.manual_seed(0)
x = torch.randn(300, 2)
angle = torch.atan2(x[:, 1], x[:, 0]) + 2.0 * x.norm(dim=1)
labels = (angle * 3.0 / torch.pi).floor().long() % 3  # three arms of a spiral
model = Net()
optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
report = pb.doctor(model, x, labels, loss=nn.CrossEntropyLoss(), optimizer=optimizer, epochs=20)
print(report)
