"""Pictures for a page: small PNGs as data URIs, equal ones once."""

import base64
import hashlib
import io
from collections.abc import Iterable

import numpy as np
from jaxtyping import UInt8
from PIL import Image

NONE = -1  # the number of a step without a picture
COLOURS = 256  # most of a palette


def album(
    frames: Iterable[np.ndarray | None],
) -> tuple[list[str], list[int]]:
    """The distinct pictures as data URIs, and the number of each frame's, or NONE.

    Lossless: up to 256 colours become a palette, more stay RGB. Raises ValueError for
    a frame that is no uint8[height, width, 3] with at least one pixel.
    """
    pictures: list[str] = []
    known: dict[tuple, int] = {}
    numbers = []
    for frame in frames:
        if frame is None:
            numbers.append(NONE)
            continue
        _check(frame)
        name = frame.shape, hashlib.blake2b(frame.tobytes()).digest()
        if name not in known:
            known[name] = len(pictures)
            encoded = base64.b64encode(png(frame)).decode()
            pictures.append(f"data:image/png;base64,{encoded}")
        numbers.append(known[name])
    return pictures, numbers


def png(frame: UInt8[np.ndarray, "height width 3"]) -> bytes:
    """The frame as a PNG, with a palette if its colours are few enough."""
    codes = frame.astype(np.uint32) @ np.array([65536, 256, 1], np.uint32)
    colours, places = np.unique(codes, return_inverse=True)
    if len(colours) > COLOURS:
        image = Image.fromarray(np.ascontiguousarray(frame))
    else:
        image = Image.fromarray(places.reshape(codes.shape).astype(np.uint8))
        parts = [colours >> 16, (colours >> 8) & 255, colours & 255]
        image.putpalette(np.stack(parts, axis=1).astype(np.uint8).tobytes())
    written = io.BytesIO()
    image.save(written, "PNG", optimize=True)
    return written.getvalue()


def _check(frame: np.ndarray) -> None:
    right = frame.ndim == 3 and frame.shape[-1] == 3 and frame.dtype == np.uint8
    if not right or not frame.size:
        raise ValueError(
            f"a frame is {frame.dtype}{list(frame.shape)}; it must be "
            "uint8[height, width, 3]"
        )
