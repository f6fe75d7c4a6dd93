"""What a compiled program does, counted from its text, every turn of its loops.

XLA's own analysis counts the body of a loop once, and the layers of a decoder are one.
The text says how often a loop turns, unless data decides that.
"""

import dataclasses
import math
import re
from collections.abc import Mapping

COLLECTIVES = (
    "all-gather",
    "all-reduce",
    "all-to-all",
    "collective-permute",
    "reduce-scatter",
)
WIDTHS = {"pred": 1, "bf16": 2, "f16": 2}  # bytes; others end in their number of bits
FREE = (  # instructions that move nothing, or whose parts are counted by themselves
    *("bitcast", "call", "conditional", "constant", "get-tuple-element"),
    *("parameter", "tuple", "while"),
)
SLICED = "dynamic-slice", "gather", "slice"  # read no more than they return

_HEAD = re.compile(r"^(?:ENTRY )?%?([\w.\-]+) \(.*\{$")
_LINE = re.compile(r"^\s+(ROOT )?%?([\w.\-]+) = (.*?) ([a-z][\w\-]*)\((.*)$")
_ARRAY = re.compile(r"\b(pred|bf16|[a-z]+\d+)\[([\d,]*)\]")
_NAME = re.compile(r"%([\w.\-]+)")
_TURNS = re.compile(r'"known_trip_count":\{"n":"(\d+)"\}')
_CALLED = re.compile(r"\b(?:calls|to_apply|body|condition)=%?([\w.\-]+)")
_BRANCHES = re.compile(r"branch_computations=\{([^}]*)\}")
_CONTRACTED = re.compile(r"lhs_contracting_dims=\{([\d,]*)\}")
_AXES = re.compile(r"replica_groups=mesh\[(.*?)\] ?\{(.*?)\}")
_IOTA = re.compile(r"replica_groups=\[\d+,(\d+)\]")
_LISTED = re.compile(r"replica_groups=\{\{([\d,]*)\}")


@dataclasses.dataclass(frozen=True)
class Counted:
    """What one device does while a program runs once."""

    flops: float  # of matrix products, a multiplication and an addition being two
    touched: float  # bytes that kernels read and write
    sent: Mapping[str, float]  # bytes, by the kind of collective

    @property
    def wire(self) -> float:
        """Bytes sent in all."""
        return sum(self.sent.values())


@dataclasses.dataclass(frozen=True)
class _Instruction:
    name: str
    shape: str
    kind: str
    operands: tuple[str, ...]
    rest: str  # of the line
    root: bool


_Computation = dict[str, _Instruction]


def counted(text: str, *, narrow: int = 4, unbounded: int = 1) -> Counted:
    """Counts the text of a compiled program (`Compiled.as_text()`).

    A product of matrices counts where it is written, fused or not. Bytes are those of
    the inputs and outputs of kernels, where XLA counts them, too: a slice costs what it
    returns, an update in place what it writes. Sent are the bytes that leave a device
    if the n of a group pass parts around a ring: (n-1)/n of what an all-gather returns,
    and twice that for an all-reduce.

    Args:
        narrow: bytes of a number of a matrix that is sent. XLA for CPUs widens bfloat16
            to float32 first, which a TPU does not: 2 undoes this. Vectors stay.
        unbounded: turns of a loop whose end depends on data.
    """
    computations, entry = _read(text)
    flops = touched = 0.0
    sent = dict.fromkeys(COLLECTIVES, 0.0)
    todo = [(entry, 1, False)]
    while todo:
        name, times, fused = todo.pop()
        known = computations[name]
        for one in known.values():
            if one.kind == "dot":
                flops += times * _product(one, known)
            if not fused:
                touched += times * _touched(one, known, computations)
            kind = one.kind.removesuffix("-start")
            if kind in sent:
                sent[kind] += times * _sent(one, kind, known, narrow)
            turns = times * _turns(one, unbounded)
            inner = fused or one.kind not in ("while", "call", "conditional")
            todo += [(called, turns, inner) for called in _called(one)]
    return Counted(flops, touched, sent)


def _read(text: str) -> tuple[dict[str, _Computation], str]:
    """The computations by name, and the name of the first to run."""
    computations: dict[str, _Computation] = {}
    entry, current = "", None
    for line in text.splitlines():
        if head := _HEAD.match(line):
            current = computations.setdefault(head[1], {})
            entry = head[1] if line.startswith("ENTRY") else entry
        elif current is not None and (found := _LINE.match(line)):
            root, name, shape, kind, rest = found.groups()
            inside = rest.split("), ")[0]
            operands = tuple(_NAME.findall(inside))
            current[name] = _Instruction(
                name, shape, kind, operands, rest, root is not None
            )
    if not entry:
        raise ValueError("this is no text of a compiled program: it has no ENTRY")
    return computations, entry


def _called(one: _Instruction) -> list[str]:
    branches = _BRANCHES.search(one.rest)
    return _CALLED.findall(one.rest) + (_NAME.findall(branches[1]) if branches else [])


def _turns(one: _Instruction, unbounded: int) -> int:
    if one.kind != "while":
        return 1
    known = _TURNS.search(one.rest)
    return int(known[1]) if known else unbounded


def _arrays(shape: str) -> list[tuple[int, list[int]]]:
    """Bytes of a number, and dimensions, of every array in a shape."""
    found = []
    for dtype, given in _ARRAY.findall(shape):
        width = WIDTHS.get(dtype) or max(int(re.sub(r"\D", "", dtype)) // 8, 1)
        found.append((width, [int(n) for n in given.split(",") if n]))
    return found


def _size(shape: str) -> int:
    return sum(width * math.prod(dims) for width, dims in _arrays(shape))


def _product(one: _Instruction, known: _Computation) -> int:
    """FLOPs of a dot."""
    (_, result), *_ = _arrays(one.shape)
    (_, left), *_ = _arrays(known[one.operands[0]].shape)
    contracted = _CONTRACTED.search(one.rest)
    assert contracted is not None, one.rest
    shared = math.prod(left[int(n)] for n in contracted[1].split(",") if n)
    return 2 * math.prod(result) * shared


def _touched(
    one: _Instruction, known: _Computation, computations: Mapping[str, _Computation]
) -> int:
    """Bytes that an instruction reads and writes."""
    if one.kind in FREE:
        return 0
    inputs = [known[name].shape for name in one.operands if name in known]
    if one.kind in SLICED:
        return 2 * _size(one.shape)
    if one.kind == "dynamic-update-slice":
        return 2 * _size(inputs[1])
    if one.kind != "fusion":
        return _size(one.shape) + sum(map(_size, inputs))
    return _fusion(one, inputs, computations[_called(one)[0]])


def _fusion(one: _Instruction, inputs: list[str], inner: _Computation) -> int:
    """Of a fusion: of an input that it only slices, the slices."""
    given = [i for i in inner.values() if i.kind == "parameter"]
    order = sorted(given, key=lambda i: int(i.rest.split(")")[0]))
    total, (root,) = 0, [i for i in inner.values() if i.root]
    updates = [i for i in inner.values() if i.kind == "dynamic-update-slice"]
    in_place = {_source(i.operands[0], inner) for i in updates}
    for parameter, shape in zip(order, inputs):
        users = [i for i in inner.values() if parameter.name in i.operands]
        if parameter.name in in_place:
            continue
        sliced = users and all(i.kind in SLICED for i in users)
        total += sum(_size(i.shape) for i in users) if sliced else _size(shape)
    if not updates:
        return total + _size(root.shape)
    return total + sum(_size(inner[i.operands[1]].shape) for i in updates)


def _source(name: str, inner: _Computation) -> str:
    """Where an array comes from, through what leaves it as it is."""
    while inner[name].kind in ("bitcast", "copy", "convert", "reshape"):
        name = inner[name].operands[0]
    return name


def _sent(one: _Instruction, kind: str, known: _Computation, narrow: int) -> float:
    """Bytes that a device sends in a collective."""
    inputs = [known[name].shape for name in one.operands if name in known]
    count = _group(one.rest)
    size = 0
    for shape in inputs:
        for width, dims in _arrays(shape):
            matrix = len([n for n in dims if n > 1]) > 1
            size += (min(width, narrow) if matrix else width) * math.prod(dims)
    passed = (count - 1) / count
    whole = {
        "all-gather": count - 1.0,
        "all-reduce": 2 * passed,
        "collective-permute": 1.0,
    }
    return size * whole.get(kind, passed)


def _group(rest: str) -> int:
    """How many devices take part in it together."""
    if axes := _AXES.search(rest):
        sizes = dict(re.findall(r"'(\w+)'=(\d+)", axes[1]))
        return math.prod(int(sizes[axis]) for axis in re.findall(r"'(\w+)'", axes[2]))
    if iota := _IOTA.search(rest):
        return int(iota[1])
    listed = _LISTED.search(rest)
    return len(listed[1].split(",")) if listed else 1
