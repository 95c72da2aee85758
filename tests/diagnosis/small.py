"""Small patients, which train in a moment."""

import numpy as np

import pullback as pb
from pullback.diagnosis.disease import DISEASES
from pullback.diagnosis.examination import Clock, Examination
from pullback.diagnosis.patient import Parts, Patient

RNG = np.random.default_rng(0)
X = RNG.normal(size=(120, 4)).astype(np.float32)
Y = (X[:, 0] > 0.0).astype(int)


def patient(model, loss, optimizer, x=X, y=Y, epochs=3, **told):
    """Two thirds of the rows to train on, and a third to judge by."""
    trainer = pb.Trainer(model, loss, optimizer, **{"engine": "eager", **told})
    rows = trainer._reader.rows(x, y, None, "training")
    held = len(rows) // 3
    data, held_out = rows.take(slice(held, None)), rows.take(slice(held))
    return Patient(Parts.of(trainer), data, held_out, epochs, 16)


def findings(name, patient):
    """What a disease finds in a patient."""
    return list(DISEASES[name].find(Examination(patient, Clock(60.0))))
