"""A table of one's own: read, understood, learned from; and the same networks in scikit-learn."""

import tempfile
from pathlib import Path

import numpy as np
import pandas as pd
from sklearn.datasets import load_wine
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import pullback as pb
from pullback.datasets import load_dataset
from pullback.tables import read_table

# A file as people have them: numbers with gaps, categories, dates.
rng = np.random.default_rng(0)
ages, cities = rng.integers(18, 80, 400), rng.choice(["Rome", "Oslo", "Bern"], 400)
rents = 300 + 12 * ages + 400 * (cities == "Oslo") + rng.normal(0, 60, 400)
table = pd.DataFrame(
    {
        "age": np.where(rng.random(400) < 0.05, np.nan, ages),
        "city": cities,
        "since": pd.date_range("2001-01-31", periods=400, freq="W").strftime("%Y-%m-%d"),
        "rent": rents.round(2),
    }
)

with tempfile.TemporaryDirectory() as folder:
    path = Path(folder) / "tenants.csv"
    table.to_csv(path, index=False)
    train, validation, test = load_dataset(path, target="rent").split(0.7, 0.1, 0.2)
    for line in train.preparation.describe():
        print(line)
    new = read_table(path).frame.head(3)

model = pb.Sequential(pb.Dense(32), pb.ReLU(), pb.Dense(1), rng=0)
trainer = pb.Trainer(model, pb.SquaredError(), pb.Adam(0.01))
trainer.fit(
    train.inputs,
    train.labels,
    epochs=200,
    validation=(validation.inputs, validation.labels),
    callbacks=pb.early_stopping(patience=20),
)
target = train.preparation.target
off = target.decode(trainer.predict(test.inputs)) - target.decode(test.labels[:, None])
print(f"on rows it has never seen it is {np.abs(off).mean():.0f} off, in the unit of the rent")

# New rows go through the same preparation, which is saved with a model as plain data.
inputs, notes = train.preparation.transform(new)
print("predicted:", target.decode(trainer.predict(inputs)).round(), "paid:", rents[:3].round())

# The same in scikit-learn. Eager is quick enough for little data, and starts at once.
wine, labels = load_wine(return_X_y=True)
network = pb.NetworkClassifier((16,), learning_rate=0.01, random_state=0, engine="eager")
print("wine:", cross_val_score(make_pipeline(StandardScaler(), network), wine, labels, cv=3))
search = GridSearchCV(network, {"hidden": [(8,), (32,)]}, cv=3).fit(wine, labels)
print("best:", search.best_params_, "with", search.best_estimator_.model_)
