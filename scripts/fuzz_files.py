"""Damaged and hostile files of checkpoints and models: are they refused, and by nothing else?

    python scripts/fuzz_files.py 20000 [first]

A file takes some milliseconds. Each is loaded, and a run resumed from it where it can be: that ends
well or with a `CircuitError`. Anything else is printed with the number of the file, which makes it
again, and the exit code is 1; and so it is for a file that takes more than 5 seconds. The memory of
the process is limited to 1 GB above what it has when it begins.
"""

from __future__ import annotations

import collections
import os
import resource
import shutil
import sys
import tempfile
import time
import traceback
import warnings
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))

from tests.train.damage import case, hostile_checkpoint, hostile_model, load, refused
from tests.train.resuming import every, fit, make

import pullback as pb
from pullback.core.errors import CircuitError
from pullback.train.checkpoints import Checkpoints

SLOW = 5.0  # seconds
ROOM = 1 << 30  # bytes


def resumed(folder: Path) -> bool:
    """Whether a run goes on from the only checkpoint of a folder, or else is refused."""
    trainer = make(checkpoint=Checkpoints(folder))
    try:
        fit(trainer, 2, callbacks=pb.early_stopping(patience=3), resume=True)
    except CircuitError as error:
        return refused(error)
    return True


def main() -> int:
    count = int(sys.argv[1])
    first = int(sys.argv[2]) if len(sys.argv) > 2 else 0
    warnings.simplefilter("ignore")
    os.fsync = lambda _: None  # nobody pulls the plug here
    with open("/proc/self/statm") as file:
        used = int(file.read().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (used + ROOM, used + ROOM))
    told, slowest, wrong = collections.Counter(), 0.0, 0
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        trainer = make(checkpoint=every(folder / "whole"))
        fit(trainer, 2, callbacks=pb.early_stopping(patience=3))
        checkpoint = every(folder / "whole").files[3]  # in the middle of an epoch
        trainer.model.save(folder / "model")
        for number in range(first, first + count):
            start = time.perf_counter()
            try:
                if number % 4 < 2:
                    run = folder / "run"
                    run.mkdir()
                    case(checkpoint, hostile_checkpoint, run / checkpoint.name, number)
                    found = resumed(run)
                    shutil.rmtree(run)
                else:
                    case(folder / "model", hostile_model, folder / "damaged", number)
                    found = load(folder / "damaged")
            except BaseException as error:
                if isinstance(error, KeyboardInterrupt):
                    break
                wrong += 1
                print(f"file {number}: {error!r:.200}")
                traceback.print_exc(limit=-4)
                shutil.rmtree(folder / "run", ignore_errors=True)
                continue
            told["loaded" if found else "refused"] += 1
            seconds = time.perf_counter() - start
            slowest = max(slowest, seconds)
            if seconds > SLOW:
                wrong += 1
                print(f"file {number}: took {seconds:.1f} s")
    print(f"{dict(told)}, {wrong} wrong, the slowest {slowest:.2f} s")
    return bool(wrong)


if __name__ == "__main__":
    raise SystemExit(main())
