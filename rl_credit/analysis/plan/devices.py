"""The devices that one can rent, as their makers describe them."""

import dataclasses

from rl_credit.ops import names


@dataclasses.dataclass(frozen=True)
class Kind:
    """What one device has; bandwidths and products are peaks no program reaches."""

    name: str
    memory: float  # bytes
    flops: float  # a second, of bfloat16 products
    bandwidth: float  # bytes a second, of its memory
    link: float  # bytes a second that it can send to its neighbours, all links together
    single: int  # most devices of one host, in a slice of one host
    several: int  # devices of every host, in a slice of several
    source: str

    def host(self, devices: int) -> int:
        """Devices of each host of a slice of so many."""
        return devices if devices <= self.single else self.several


_GOOGLE = "docs.cloud.google.com/tpu/docs"
KINDS = {
    kind.name: kind
    for kind in (
        Kind("v5e", 16e9, 197e12, 819e9, 200e9, 8, 4, f"{_GOOGLE}/v5e"),
        Kind("v6e", 32e9, 918e12, 1638e9, 400e9, 8, 4, f"{_GOOGLE}/v6e"),
        Kind("h100", 80e9, 989e12, 3350e9, 450e9, 8, 8, "NVIDIA's H100 SXM data sheet"),
    )
}


def named(name: str) -> Kind:
    """The kind of that name; ValueError for a name that is none."""
    if name not in KINDS:
        raise ValueError(names.unknown("device", name, KINDS))
    return KINDS[name]
