"""64-bit fingerprints of arrays, on the device, and of texts, on the host."""

import hashlib
from collections.abc import Sequence

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Shaped, UInt32

# Fingerprints are stored in checkpoints: these constants may never change.
# Pairs of multipliers from hash-prospector (github.com/skeeto) and MurmurHash3.
SPREAD = (0x21F0AAAD, 0xD35A2D97)
LANES = (  # multipliers, step from one position to the next, start
    ((0x7FEB352D, 0x846CA68B), 0x9E3779B1, 0x243F6A88),
    ((0x85EBCA6B, 0xC2B2AE35), 0xB5297A4D, 0x13198A2E),
)
NAN = 0x7FC00000  # the one pattern that stands for all of them
EMPTY = hashlib.blake2b(digest_size=8)


def fingerprint(array: Shaped[Array | np.ndarray, "..."]) -> UInt32[Array, "... 2"]:
    """Hashes the last axis to 64 bits: [..., n] to [..., 2].

    Equal numbers hash equal across widths: integers and booleans as integers, floats
    as floats (-0.0 is 0.0, all NaNs are one), complex numbers part by part. Integers
    and floats are not comparable with each other. Integer operations only, hence the
    same on every device, whatever axes are mapped over.

    Raises:
        ValueError: for a scalar.
        TypeError: for what is no number, such as a typed random key.
    """
    if isinstance(array, np.ndarray):  # whose 64 bits count, whatever JAX would keep
        with jax.enable_x64(True):
            return _fingerprint(array)
    if array.ndim == 0:
        raise ValueError(
            "fingerprint hashes the last axis and was given a scalar; "
            "pass scalar[None], or a batch of them as [batch, 1]"
        )
    low, high = _words(array)
    first, second = (_terms(low, high, *lane) for lane in LANES)
    zero = jnp.uint32(0)
    # One reduction of both lanes: on CPU several times faster than two.
    sums = jax.lax.reduce((first, second), (zero, zero), _add, (low.ndim - 1,))
    length = low.shape[-1]
    words = [
        _avalanche(total ^ jnp.uint32(length + start), multipliers)
        for total, (multipliers, _, start) in zip(sums, LANES)
    ]
    return jnp.stack(words, axis=-1)


def fingerprint_text(text: str) -> UInt32[np.ndarray, "2"]:
    """BLAKE2b (RFC 7693) of the UTF-8 bytes, as two little-endian words, on the host.

    Lone surrogates are hashed as Python's "surrogatepass" writes them.
    """
    return fingerprint_texts([text])[0]


def fingerprint_texts(texts: Sequence[str]) -> UInt32[np.ndarray, "texts 2"]:
    """`fingerprint_text` of each; a text that comes again costs one look-up.

    Raises:
        TypeError: for what is no text, and for one text in place of a list.
    """
    if isinstance(texts, str):
        raise TypeError("fingerprint_texts wants a list of str; one str: [text]")
    for kind in set(map(type, texts)):
        if not issubclass(kind, str):
            raise TypeError(f"a text is str, not {kind.__name__}; .decode() bytes")
    known: dict[str, bytes] = {}
    digests = []
    for text in texts:
        digest = known.get(text)
        if digest is None:
            state = EMPTY.copy()  # faster than a new one
            state.update(text.encode("utf-8", "surrogatepass"))
            digest = known[text] = state.digest()
        digests.append(digest)
    words = np.frombuffer(b"".join(digests), "<u4")
    return words.astype(np.uint32).reshape(len(digests), 2)


_fingerprint = jax.jit(fingerprint)  # else each operation of it compiled by itself


def _words(array: Array) -> tuple[Array, Array | None]:
    """Each number as a word and, for what 32 bits cannot hold, a second, else 0."""
    dtype = array.dtype
    if jnp.issubdtype(dtype, jnp.complexfloating):
        parts = jnp.stack([array.real, array.imag], axis=-1)
        return _words(parts.reshape(*array.shape[:-1], 2 * array.shape[-1]))
    if jnp.issubdtype(dtype, jnp.floating):
        if dtype.itemsize == 8:
            return _double_words(array)
        return _float_word(array), None
    if dtype == jnp.bool_ or jnp.issubdtype(dtype, jnp.integer):
        return _integer_words(array)
    raise TypeError(f"fingerprint hashes numbers and was given {dtype}")


def _float_word(array: Array) -> Array:
    """The bits as float32; on the bits, since devices may flush the smallest floats."""
    bits = jax.lax.bitcast_convert_type(array.astype(jnp.float32), jnp.uint32)
    magnitude = bits & 0x7FFFFFFF
    bits = jnp.where(magnitude == 0, jnp.uint32(0), bits)
    return jnp.where(magnitude > 0x7F800000, jnp.uint32(NAN), bits)


def _double_words(array: Array) -> tuple[Array, Array]:
    """float64: as a normal float32 where that is exact, else its own two words."""
    narrow = array.astype(jnp.float32)
    bits = jax.lax.bitcast_convert_type(array, jnp.uint32)
    widened = jax.lax.bitcast_convert_type(narrow.astype(jnp.float64), jnp.uint32)
    # Whether a subnormal float32 survives is up to the device, so none is used.
    normal = (array == 0) | (jnp.abs(array) >= float(jnp.finfo(jnp.float32).tiny))
    exact = (normal & jnp.all(bits == widened, axis=-1)) | jnp.isnan(array)
    low = jnp.where(exact, _float_word(narrow), bits[..., 0])
    return low, jnp.where(exact, jnp.uint32(0), ~bits[..., 1])  # ~0 would be a NaN


def _integer_words(array: Array) -> tuple[Array, Array | None]:
    """Two's complement; the high word counts from the sign extension of the low."""
    if array.dtype.itemsize == 8:
        words = jax.lax.bitcast_convert_type(array, jnp.uint32)
        low, high = words[..., 0], words[..., 1]
    elif array.dtype == jnp.uint32:
        low, high = array, jnp.zeros_like(array)
    else:
        return array.astype(jnp.int32).astype(jnp.uint32), None
    negative = low >> 31
    return low, high ^ (jnp.uint32(0) - negative)


def _terms(
    low: Array, high: Array | None, multipliers: tuple[int, int], step: int, start: int
) -> Array:
    """Each number mixed with its position; the lane is their sum modulo 2^32."""
    position = jax.lax.broadcasted_iota(jnp.uint32, low.shape, low.ndim - 1)
    constant = position * jnp.uint32(step) + jnp.uint32(start)
    terms = _avalanche(_avalanche(low, SPREAD) + constant, multipliers)
    if high is None:
        return terms
    more = _avalanche(_avalanche(high, SPREAD) ^ ~constant, multipliers)
    return terms + jnp.where(high == 0, jnp.uint32(0), more)


def _add(sums: tuple[Array, Array], terms: tuple[Array, Array]) -> tuple[Array, Array]:
    return sums[0] + terms[0], sums[1] + terms[1]


def _avalanche(word: Array, multipliers: tuple[int, int]) -> Array:
    """A bijection of 32-bit words after which neighbours have nothing in common."""
    word = (word ^ (word >> 16)) * jnp.uint32(multipliers[0])
    word = (word ^ (word >> 15)) * jnp.uint32(multipliers[1])
    return word ^ (word >> 15)
