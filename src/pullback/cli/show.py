"""`pullback show`: what a model of pictures sees, as a picture of its own."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from pullback.cli.files import refuse_same, writable
from pullback.cli.layout import cell
from pullback.core.errors import CircuitError
from pullback.images.trained import TrainedPictures
from pullback.train.settings import named

WHAT = {
    "filters": "the weights of a convolution",
    "activations": "what a layer makes of a picture",
    "gradients": "the pull that comes back to a layer from the score of an answer",
    "excite": "the picture that excites a unit or a class most",
    "saliency": "the pixels on which an answer rests",
    "occlusion": "where covering a part changes an answer",
}
_ENDINGS = (".png", ".svg", ".pdf", ".jpg")
_OF_LAYERS = ("filters", "activations", "gradients", "excite")


def show(
    model: Annotated[str, typer.Argument(help="a file that `pullback train --save` wrote")],
    picture: Annotated[str | None, typer.Argument(help="a picture, for all but filters")] = None,
    what: Annotated[
        str | None,
        typer.Option(
            metavar="WHAT",
            help=f"{', '.join(WHAT)}; by default filters, and activations of a picture",
        ),
    ] = None,
    layer: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="such as conv2d1; `pullback describe` names them all"),
    ] = None,
    label: Annotated[
        str | None,
        typer.Option(metavar="CLASS", help="the answer in question; by default the model's own"),
    ] = None,
    unit: Annotated[
        list[str] | None,
        typer.Option(
            metavar="UNIT", help="which to excite: a number in --layer, or a class; again for more"
        ),
    ] = None,
    save: Annotated[
        str | None,
        typer.Option(metavar="FILE", help="a .png, .svg, .pdf or .jpg; by default beside MODEL"),
    ] = None,
) -> None:
    """Draw what a model of pictures has learned, or how it sees a picture."""
    chosen = named("thing to show", what or ("activations" if picture else "filters"), WHAT)
    _refuse(chosen, picture, layer, label, unit)
    of = [chosen, *([Path(picture).stem] if picture else []), *([layer] if layer else [])]
    path = Path(save or f"{'-'.join([str(Path(model).with_suffix('')), *of])}.png")
    writable("--save", str(path), *_ENDINGS)
    refuse_same("--save", path, model, *([picture] if picture else []))
    trained = TrainedPictures.load(model)
    seen = None if picture is None else trained.picture(picture)
    figure = _figure(chosen, trained, seen, layer, _class(trained, label), unit or [])
    figure.savefig(path)
    print(f"{chosen}: {WHAT[chosen]}; written to {path}")


def _refuse(what: str, picture: Any, layer: Any, label: Any, unit: Any) -> None:
    """Refuse what does not belong together, before anything is read."""
    needs = what not in ("filters", "excite")
    if needs and picture is None:
        raise CircuitError(f"--what {what} needs a picture: pullback show MODEL PICTURE")
    if not needs and picture is not None:
        raise CircuitError(f"--what {what} takes no picture, got {picture!r}")
    for option, value, fits in (
        ("--layer", layer, what in _OF_LAYERS),
        ("--label", label, what in ("gradients", "saliency", "occlusion")),
        ("--unit", unit, what == "excite"),
    ):
        if value and not fits:
            raise CircuitError(f"{option} says nothing about {what}")


def _class(trained: TrainedPictures, label: str | None) -> int | None:
    """The number of a class, by its name.

    Raises `CircuitError`, with those there are, where there is none.
    """
    if label is None:
        return None
    names = [str(name) for name in trained.classes]
    if label not in names:
        known = ", ".join(map(cell, names))
        raise CircuitError(f"there is no class {label!r}; there are: {known}")
    return names.index(label)


def _figure(
    what: str,
    trained: TrainedPictures,
    picture: Any,
    layer: str | None,
    label: int | None,
    units: list[str],
) -> Any:
    from pullback.images import seeing

    model, classes = trained.model, trained.classes
    if what == "filters":
        return seeing.filters(model, layer)
    if what == "excite":
        wanted = [_unit(trained, unit, layer) for unit in units] or list(range(len(classes)))
        if layer is not None and not units:
            raise CircuitError("which unit of the layer? say --unit NUMBER, again for more")
        names = classes if layer is None else None
        return seeing.excite(model, wanted, layer, classes=names).figure
    if what == "activations":
        return seeing.activations(model, picture, layer, classes=classes)
    if what == "gradients":
        answer = (
            label if label is not None else int(trained.probabilities(picture[None])[0].argmax())
        )
        return seeing.gradients(model, picture, answer, layer, classes=classes)
    make = seeing.saliency if what == "saliency" else seeing.occlusion
    return make(model, picture, label, classes=classes)


def _unit(trained: TrainedPictures, unit: str, layer: str | None) -> int:
    """A unit's number: of a layer, or of a class by its name."""
    if layer is None:
        found = _class(trained, unit)
        assert found is not None
        return found
    if not unit.isdigit():
        raise CircuitError(f"--unit is a number of --layer, from 0 on, got {unit!r}")
    return int(unit)
