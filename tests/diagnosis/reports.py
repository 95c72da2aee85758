"""Reports made by hand, which hold all that a report may hold."""

import math

import numpy as np

import pullback as pb
from pullback.diagnosis import Check, Cure, Finding, Proof, Report
from pullback.diagnosis.finding import Bars, Curve
from pullback.diagnosis.patient import Parts, Patient
from pullback.train import History
from pullback.train.data import Rows

EVIL = "<img src=x onerror=document.title='broken'>\x1b[31m&"
NAN, INF = math.nan, math.inf


def patient():
    rows = Rows({"inputs": np.zeros((6, 2), np.float32), "labels": np.arange(6) % 3})
    model = pb.Sequential(pb.Dense(4), pb.ReLU(), pb.Dense(3), rng=0)
    parts = Parts(model, (pb.SoftmaxCrossEntropy(),), pb.SGD(3.0), engine="eager")
    return Patient(parts, rows, rows.take(slice(2)), epochs=4)


def history(*losses):
    return History([{"epoch": k, "validation_loss": x} for k, x in enumerate(losses, start=1)])


def proof(before, after, without=(2.3, 2.31, 2.2, 2.3), with_it=(2.0, 1.2, 0.9, 0.81)):
    histories = history(*without), history(*with_it)
    return Proof("validation_loss", False, before, after, histories)


def slower(patient):
    return patient.but(optimizer=pb.SGD(0.1))


CURE = Cure(
    "take a learning rate of 0.1", "optimizer = pb.SGD(0.1)  # < 3 & as good as any", slower
)


def sick(**changes):
    """A report of four findings with pictures of both kinds, some of nothing but trouble."""
    sweep = {
        "loss": ([1e-5, 1e-4, 1e-3, 1e-2, 0.1, 1.0], [2.5, 2.4, 1.9, 1.1, 0.9, NAN]),
        "smoothed": ([1e-5, 1e-4, 1e-3, 1e-2, 0.1, 1.0], [2.5, 2.45, 2.1, 1.4, 1.0, 3.0]),
    }
    dead = Finding("dying ReLUs", "mild", "94% of the units are 0 for every row", "", where="relu1")
    findings = (
        Finding(
            "learning rate too high",
            "severe",
            "the loss went from 1.1 to 240; a sweep finds the loss lowest near 0.1, and it is 3",
            "each step goes past the place that it aims at, so that the next one starts farther "
            "away",
            cures=(CURE, Cure("warm it up", "rate = pb.LinearWarmup(3.0, steps=100)")),
            numbers={"rate": 3.0, "loss_at_end": np.float32(np.inf), "rows": np.int64(6)},
            picture=Curve("the loss at growing rates", "learning rate", "loss", sweep, "x"),
            proof=proof((2.2, NAN, 2.21), (0.81, 0.84, 0.8), (2.3, 240.0, INF, NAN)),
            consequences=(dead,),
        ),
        Finding(
            "unscaled inputs",
            "mild",
            f"values are of sizes up to 4e+05 ({EVIL})",
            "a weight moves by as much as its input is large",
            where=EVIL,
            cures=(Cure("bring each to deviation 1", "x = (x - mean) / deviation", lambda x: x),),
            picture=Bars(
                "root mean square of the largest features",
                "size",
                {EVIL: 4e5, "income": 3.1e5, "debt": -2e5, "nothing": NAN}
                | {f"feature {k}": 1e5 / (k + 1) for k in range(20)},
            ),
            proof=proof((2.2, 2.3, 2.21), (2.2, 2.31, 2.2)),
        ),
        Finding(
            "label noise",
            "mild",
            "about 8% of the labels are wrong; rows 3, 17 and 28 are the likeliest",
            "a net learns wrong labels too, if it is let",
            cures=(Cure("look at these rows", "data.iloc[[3, 17, 28]]", None, "only you know"),),
        ),
        Finding("overfitting", "note", "validation loss rises after epoch 3", "", certain=True),
    )
    checks = (
        Check("the loss at the start is what chance gives", True, "1.12, and chance gives 1.1"),
        Check("a linear model is beaten", False, "validation loss 2.2, of a linear model 0.3"),
        Check("shuffled labels are not learned", None, f"it is a check of classes {EVIL}"),
    )
    notes = ("4,000 rows were drawn from 60,000", "4 of 40 epochs were trained each time")
    told = {"findings": findings, "checks": checks, "notes": notes, "ended": ""} | changes
    return Report(patient(), seconds=12.3, **told)


def healthy(**changes):
    check = Check("what comes in reaches what goes out", True, "it does")
    return sick(**{"findings": (), "checks": (check,), "notes": ()} | changes)
