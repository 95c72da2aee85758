"""What a network sees: its filters, what its layers make of a picture, what its answers rest on.

In: a model that has been trained, and pictures. Out: numbers, and figures of them by matplotlib
(extra `plot`). Each figure is a `matplotlib.figure.Figure` of its own, without pyplot: a notebook
shows it as the last line of a cell, and `figure.savefig("seen.png")` keeps it.

    filters                            the weights of a convolution
    activations, gradients             what a layer makes of a picture, and the pull that comes back
    excite                             the picture that excites a unit most
    saliency, occlusion                which pixels an answer rests on
    confusion                          what is taken for what, and the worst mistakes

The numbers behind them are those of `filter_pictures`, `activation_maps`, `gradient_maps`,
`saliency_map`, `occlusion_map` and `mistakes`, which need no matplotlib.
"""

from pullback.images.seeing.ascent import Excitation, excite
from pullback.images.seeing.channels import (
    activation_maps,
    activations,
    gradient_maps,
    gradients,
)
from pullback.images.seeing.confusions import Mistakes, confusion, mistakes
from pullback.images.seeing.covering import Occlusion, occlusion, occlusion_map
from pullback.images.seeing.influence import Influence, saliency, saliency_map
from pullback.images.seeing.weights import filter_pictures, filters

__all__ = [
    "Excitation",
    "Influence",
    "Mistakes",
    "Occlusion",
    "activation_maps",
    "activations",
    "confusion",
    "excite",
    "filter_pictures",
    "filters",
    "gradient_maps",
    "gradients",
    "mistakes",
    "occlusion",
    "occlusion_map",
    "saliency",
    "saliency_map",
]
