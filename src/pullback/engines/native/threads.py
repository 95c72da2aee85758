"""In: threads that run the same code. Out: each one's part, and where they wait for each other."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from pullback.engines.native.number import Number
from pullback.engines.native.target import Target

PATIENCE = 100  # looks at the counter before a thread gives way: it may wait for the other's core


@dataclass(frozen=True)
class Thread:
    """Which thread of how many runs a kernel, its workspace, and the counters that all share.

    Counter 0 is of arrivals at barriers; counter 1 becomes the number of a gate that failed.
    """

    t: Any
    T: Any
    workspace: Number
    counters: Number


def portion(n: Any, thread: Thread) -> tuple[Any, Any]:
    """From where to where, of n, a thread works; one alone need not divide."""
    if isinstance(thread.T, int) and thread.T == 1:
        return 0, n
    return n * thread.t // thread.T, n * (thread.t + 1) // thread.T


def barrier(target: Target) -> str:
    """LLVM's text of the function in which threads wait until all are there.

    It counts arrivals in shared memory, from 0 on for good. Who arrives watches the counter until
    all have been counted, and after a while lets another thread have the processor.
    """
    give_way = "SwitchToThread" if "windows" in target.triple else "sched_yield"
    return f"""
define void @pullback_barrier(ptr %counters, i64 %threads) nounwind {{
entry:
  %alone = icmp eq i64 %threads, 1
  br i1 %alone, label %done, label %arrive
arrive:
  %before = atomicrmw add ptr %counters, i64 1 seq_cst
  %round = sdiv i64 %before, %threads
  %next = add i64 %round, 1
  %all = mul i64 %next, %threads
  br label %look
look:
  %looks = phi i64 [ 0, %arrive ], [ %more, %wait ], [ %more, %yield ]
  %here = load atomic i64, ptr %counters seq_cst, align 8
  %missing = icmp slt i64 %here, %all
  br i1 %missing, label %wait, label %done
wait:
  %more = add i64 %looks, 1
  %impatient = icmp sgt i64 %more, {PATIENCE}
  br i1 %impatient, label %yield, label %look
yield:
  %ignored = call i32 @{give_way}()
  br label %look
done:
  ret void
}}
declare i32 @{give_way}()
"""
