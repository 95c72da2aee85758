"""Processes that train with checkpoints, and are killed at any moment.

A process that has imported everything makes them, so that each begins at once. It writes a line for
each that was killed, and at the end what the last one had: see `main`.
"""

from __future__ import annotations

import json
import os
import random
import signal
import sys
import time
import warnings
from pathlib import Path

from tests.train.resuming import fit, make, numbers

import pullback as pb

EPOCHS = 12


def trained(folder: Path | None):
    """The run that is killed and resumed, of which nothing is ever left out."""
    how = None if folder is None else pb.Checkpoints(folder, steps=1, keep=2)
    trainer = make(checkpoint=how)
    stop = pb.early_stopping(patience=EPOCHS)
    return trainer, fit(trainer, EPOCHS, callbacks=stop, resume=folder is not None)


def killed(folder: Path, seconds: float) -> bool:
    """Whether a process that goes on with the run was killed; else it came to the end."""
    child = os.fork()
    if child == 0:
        try:
            trained(folder)
            os._exit(0)
        except BaseException as error:
            print(f"failed: {error!r}", flush=True)
            os._exit(1)
    time.sleep(seconds)
    os.kill(child, signal.SIGKILL)
    _, status = os.waitpid(child, 0)
    if os.WIFEXITED(status) and os.WEXITSTATUS(status):
        raise SystemExit("a run could not be gone on with")
    return os.WIFSIGNALED(status)


def told(trainer, history):
    rows = [{k: v for k, v in row.items() if k != "seconds"} for row in history.rows]
    return [rows, history.ended, {k: v.tolist() for k, v in numbers(trainer).items()}]


def main(folder: Path, kills: int) -> None:
    """Kill so many processes, beginning another run where one is through, and print how it went."""
    warnings.simplefilter("error")
    whole = told(*trained(None))
    start = time.perf_counter()
    trained(folder / "first")
    longest = (time.perf_counter() - start) / 3
    chance, places, runs = random.Random(0), [], 0
    while len(places) < kills:
        run = folder / str(runs)
        if not killed(run, chance.uniform(0.0, longest)):
            runs += 1
            continue
        found = pb.Checkpoints(run).newest()
        state = None if found is None else found[1]
        batches = 0 if state is None or state.place is None else state.place.batches
        places.append((runs, 0 if state is None else state.done, batches))
    last = told(*trained(folder / str(runs)))
    print(json.dumps({"places": places, "same": last == whole, "epochs": len(last[0])}))


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
