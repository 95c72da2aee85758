"""In: the text of LLVM functions. Out: object code for a processor, and what must be known of it.

LLVM is called here alone, and what differs between kinds of processors is found out here.
"""

from __future__ import annotations

import hashlib
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import llvmlite.binding as llvm

SYSTEM = Path("/sys")  # where Linux tells what hardware there is
_X86 = ("x86_64", "i686", "amd64")


@dataclass(frozen=True)
class Tuning:
    """What only a measurement tells of a processor; here, the fixed choice.

    `packed` is how many rows of A must use a panel of B, whose rows lie pages apart, for a copy of
    it to pay. `half` says that a tile as wide as half a vector is quicker than one of a whole.
    """

    packed: int = 256
    half: bool = True


@dataclass(frozen=True)
class Target:
    """A processor: how LLVM calls it, and what decides the shapes of loops and tiles.

    `vector` is the width of a vector register in bytes, `registers` how many of them there are.
    `cheap_masks` says that a masked load or store costs what a plain one does. `caches` are the
    bytes of a core's caches of levels 1 and 2.
    """

    triple: str
    cpu: str
    features: str
    vector: int
    registers: int
    cheap_masks: bool
    caches: tuple[int, int]
    tuning: Tuning = Tuning()

    def lanes(self, kind: str) -> int:
        """Numbers of a kind that fill a vector register; the kinds are those of `code`."""
        return self.vector // {"f8": 8, "i8": 8}.get(kind, 4)

    def object_code(self, text: str) -> bytes:
        """The machine code of a module.

        Raises `RuntimeError` where the text is not LLVM's.
        """
        machine, module = _machine(self), llvm.parse_assembly(text)
        passes = llvm.create_new_module_pass_manager()
        for add in (  # all else is written out, or the code generator's: more takes twice as long
            passes.add_sroa_pass,
            passes.add_instruction_combine_pass,
            passes.add_simplify_cfg_pass,
        ):
            add()
        options = llvm.create_pipeline_tuning_options()
        passes.run(module, llvm.create_pass_builder(machine, options))
        return machine.emit_object(module)


@cache
def host() -> Target:
    """The processor that this process runs on."""
    triple = llvm.get_process_triple()
    features = llvm.get_host_cpu_features()
    wide = features.get("avx512f", False) and features.get("avx512vl", False)
    x86 = triple.split("-")[0] in _X86
    return Target(
        triple=triple,
        cpu=llvm.get_host_cpu_name(),
        features=features.flatten(),
        vector=64 if wide else 32 if features.get("avx") else 16,
        registers=16 if x86 and not wide else 32,
        cheap_masks=wide,
        caches=_caches(),
    )


def _caches() -> tuple[int, int]:
    """The bytes of the first core's caches; where the system does not tell, what most have."""
    found = {"1": 32 << 10, "2": 512 << 10}
    for folder in SYSTEM.glob("devices/system/cpu/cpu0/cache/index*"):
        with suppress(OSError, ValueError):
            level, kind, size = (
                (folder / n).read_text().strip() for n in ("level", "type", "size")
            )
            if kind != "Instruction" and level in found and size.endswith("K"):
                found[level] = int(size[:-1]) << 10
    return found["1"], found["2"]


def symbol(code: Any) -> str:
    """The name of the function that a record of code becomes: the same in every process.

    A text is its own name.
    """
    if isinstance(code, str):
        return code
    digest = hashlib.sha256(repr(code).encode()).hexdigest()[:24]
    return f"pullback_{type(code).__name__.lower()}_{digest}"


@cache
def _machine(target: Target, effort: int = 3) -> Any:
    """LLVM's code generator for a processor; without effort it writes code as it is recorded."""
    llvm.initialize_native_target()
    llvm.initialize_native_asmprinter()
    return llvm.Target.from_triple(target.triple).create_target_machine(
        cpu=target.cpu,
        features=target.features,
        opt=effort,
        reloc="static",
        codemodel="jitdefault",
        jit=True,
    )


@cache
def _engine() -> Any:
    """What object code is loaded into, for as long as the process runs."""
    return llvm.create_mcjit_compiler(llvm.parse_assembly(""), _machine(host()))


_kept: list[Any] = []  # objects that are loaded


def load(objects: list[bytes]) -> None:
    """Make the functions of these objects callable, by each other and by `address`."""
    for code in objects:
        _kept.append(llvm.ObjectFileRef.from_data(code))
        _engine().add_object_file(_kept[-1])
    _engine().finalize_object()


def address(name: str) -> int:
    """Where a loaded function begins."""
    return _engine().get_function_address(name)
