import jax
import jax.numpy as jnp
import ml_dtypes
import numpy as np
import pytest

from rl_credit.ops import hashing
from tests.references import ops as reference

HASH = jax.jit(hashing.fingerprint)
KNOWN = [  # stored in checkpoints: these may never change
    (np.zeros(0, np.int32), [556582385, 2163843698]),
    (np.zeros(1, np.int32), [385139944, 399139426]),
    (np.arange(8, dtype=np.int32), [3019919201, 1984604470]),
    (np.array([-1, 2**31 - 1, -(2**31)], np.int32), [3055538812, 1183193333]),
    (np.array([0, 2**31, 2**32 - 1], np.uint32), [4074737788, 2636567813]),
    (np.array([0.0, 1.5, -np.inf, np.nan], np.float32), [107400215, 224248953]),
    (np.array([1 - 2j], np.complex64), [210254207, 14961738]),
]


def words(array):
    """The 64 bits as one number, for sets."""
    pairs = np.asarray(array).astype(np.uint64)
    return pairs[..., 0] << np.uint64(32) | pairs[..., 1]


def assert_all_differ(arrays):
    distinct = np.unique(np.asarray(arrays), axis=0)
    assert len(distinct) > 1
    assert len(np.unique(words(HASH(jnp.asarray(distinct))))) == len(distinct)


def test_known_answers(compiled):
    for array, expected in KNOWN:
        actual = compiled(hashing.fingerprint)(jnp.asarray(array))
        assert actual.dtype == jnp.uint32
        assert actual.tolist() == expected


@pytest.mark.parametrize("length", [0, 1, 2, 33])
def test_fingerprints_match_the_loop(compiled, length):
    rng = np.random.default_rng(length)
    numbers = rng.integers(-(2**31), 2**31, (3, length)).astype(np.int32)
    actual = compiled(hashing.fingerprint)(jnp.asarray(numbers))
    expected = [reference.fingerprint(row) for row in numbers.tolist()]
    np.testing.assert_array_equal(actual, expected)
    floats = jnp.asarray(numbers / 2.0**20, jnp.float32)
    bits = np.asarray(floats).view(np.uint32).tolist()
    actual = compiled(hashing.fingerprint)(floats)
    np.testing.assert_array_equal(actual, [reference.fingerprint(row) for row in bits])


def test_equal_integers_hash_equal_in_every_width():
    expected = HASH(jnp.asarray([1, 0, 1], jnp.int32)).tolist()
    names = ["bool", "int4", "int8", "int16", "uint4", "uint8", "uint16", "uint32"]
    for name in names:
        assert HASH(jnp.asarray([1, 0, 1], name)).tolist() == expected
    expected = HASH(jnp.asarray([-3, 7], jnp.int32)).tolist()
    for name in ("int4", "int8", "int16"):
        assert HASH(jnp.asarray([-3, 7], name)).tolist() == expected
    unsigned = HASH(jnp.asarray([2**32 - 3, 7], jnp.uint32)).tolist()
    assert unsigned != expected


def test_equal_floats_hash_equal_in_every_width():
    expected = HASH(jnp.asarray([0.5, -2.0, 0.0], jnp.float32)).tolist()
    for name in ("bfloat16", "float16", "float8_e4m3fn", "float8_e5m2"):
        assert HASH(jnp.asarray([0.5, -2.0, -0.0], name)).tolist() == expected
    tiny = jnp.asarray([[2.0**-16], [2.0**-17], [0.0]], jnp.float16)
    assert len(set(words(HASH(tiny)).tolist())) == 3  # what float16 cannot normalise


def test_zeros_and_nans_have_one_pattern_each():
    expected = HASH(jnp.asarray([0.0, np.nan], jnp.float32)).tolist()
    for nan_bits in (0x7FC00000, 0xFFC00000, 0x7F800001, 0xFFFFFFFF):
        bits = jnp.asarray([0x80000000, nan_bits], jnp.uint32)
        floats = jax.lax.bitcast_convert_type(bits, jnp.float32)
        assert HASH(floats).tolist() == expected
    half = np.array([0x8000, 0x7E01], np.uint16).view(np.float16)
    assert HASH(jnp.asarray(half)).tolist() == expected
    brain = np.array([0x8000, 0xFFC1], np.uint16).view(ml_dtypes.bfloat16)
    assert HASH(jnp.asarray(brain)).tolist() == expected
    others = jnp.asarray([[np.inf], [-np.inf], [np.nan], [1e-40], [0.0]], jnp.float32)
    assert len(set(words(HASH(others)).tolist())) == 5


def test_64_bit_numbers_agree_with_narrower_ones():
    pairs = [
        ("int64", "int32", [-1, 5, 2**31 - 1, -(2**31)]),
        ("uint64", "uint32", [0, 5, 2**31, 2**32 - 1]),
        ("int64", "uint32", [0, 5, 2**31, 2**32 - 1]),
        ("float64", "float32", [-0.0, 1.5, np.nan, -np.inf, 2.0**-126]),
        ("complex128", "complex64", [1 - 2j, 0.5j]),
    ]
    with jax.enable_x64():
        for wide, narrow, numbers in pairs:
            expected = HASH(jnp.asarray(numbers, narrow)).tolist()
            assert HASH(jnp.asarray(numbers, wide)).tolist() == expected
        integers = [[1], [1 + 2**32], [1 - 2**32], [1 + 2**63 - 2**32], [2**32]]
        assert_all_differ(np.array(integers, np.int64))
        floats = [0.1, np.float32(0.1), 1e300, 1e-300, 2.0**-130, 0.0, np.inf]
        assert_all_differ(np.array(floats, np.float64)[:, None])
        assert_all_differ(1.0 + np.arange(4.0)[:, None] * 2.0**-52)


def test_all_64_bits_of_a_numpy_array_count_without_x64():
    far, near = np.asarray([[1, 2**32 + 1], [1, 1]])
    narrow = jnp.asarray([1, 1], jnp.int8)
    far, near, narrow = map(hashing.fingerprint, (far, near, narrow))
    np.testing.assert_array_equal(near, narrow)
    assert np.any(far != near)
    halves = np.asarray([0.5, -0.25])  # the same numbers in 32 bits
    single = jnp.asarray(halves, jnp.float32)
    halves, single = map(hashing.fingerprint, (halves, single))
    np.testing.assert_array_equal(halves, single)


def test_complex_numbers_are_hashed_part_by_part():
    assert_all_differ(np.array([[1 + 2j], [2 + 1j], [1 - 2j], [1], [1j]], np.complex64))


def test_leading_axes_are_independent(compiled):
    array = jnp.asarray(np.random.default_rng(0).integers(0, 5, (2, 3, 4)))
    expected = [[HASH(row).tolist() for row in plane] for plane in array]
    assert compiled(hashing.fingerprint)(array).tolist() == expected
    assert compiled(jax.vmap(jax.vmap(hashing.fingerprint)))(array).tolist() == expected
    moved = jax.vmap(hashing.fingerprint, in_axes=1)(array.swapaxes(0, 1))
    assert moved.tolist() == expected
    assert HASH(jnp.zeros((0, 3))).shape == (0, 2)
    assert HASH(jnp.zeros((3, 0))).shape == (3, 2)


def test_a_fingerprint_is_constant_to_gradients(compiled):
    def factor(values):
        return (hashing.fingerprint(values)[0] % 7 + 1).astype(jnp.float32)

    def total(values):
        return jnp.sum(values) * factor(values)

    values = jnp.asarray([0.5, 2.0])
    slope = float(factor(values))
    assert compiled(jax.grad(total))(values).tolist() == [slope, slope]


def test_only_arrays_of_numbers_are_hashed():
    with pytest.raises(ValueError, match=r"scalar; pass scalar\[None\]"):
        hashing.fingerprint(jnp.zeros(()))
    with pytest.raises(TypeError, match="hashes numbers and was given key<fry>"):
        hashing.fingerprint(jax.random.key(0)[None])


def test_order_place_and_length_matter():
    for base in (np.arange(64), np.eye(64, dtype=np.int64)[0], np.arange(64) % 3):
        near = [base]
        for i in range(64):
            near += [np.roll(base, i), base + np.eye(64, dtype=np.int64)[i]]
            near += [base - np.eye(64, dtype=np.int64)[i], base ^ (1 << i % 31)]
            for j in range(i):
                swapped = base.copy()
                swapped[[i, j]] = base[[j, i]]
                near.append(swapped)
        assert_all_differ(np.array(near, np.int32))


@pytest.mark.parametrize("dtype", ["int32", "float32"])
def test_trailing_zeros_matter(dtype):
    lengths = [jnp.zeros(n, dtype) for n in range(20)]
    lengths += [jnp.ones(3, dtype), jnp.asarray([1, 1, 1, 0], dtype)]
    assert len({int(words(HASH(array))) for array in lengths}) == len(lengths)


def test_no_collisions_and_even_bits_among_small_integers():
    rng = np.random.default_rng(0)
    arrays = np.unique(rng.integers(0, 4, (200_000, 12)), axis=0).astype(np.int8)
    assert len(arrays) > 190_000
    hashes = np.asarray(HASH(jnp.asarray(arrays)))
    assert len(np.unique(words(hashes))) == len(arrays)
    for lane in range(2):  # about 5 pairs of 2e10 agree by chance in 32 bits
        assert len(arrays) - len(np.unique(hashes[:, lane])) < 20
    bits = np.unpackbits(hashes.view(np.uint8), axis=1)
    assert np.abs(bits.mean(axis=0) - 0.5).max() < 5 * 0.5 / np.sqrt(len(arrays))
    correlation = np.corrcoef(bits.T.astype(np.float32)) - np.eye(64)
    assert np.abs(correlation).max() < 5.5 / np.sqrt(len(arrays))


def test_one_bit_of_input_flips_half_of_the_output():
    rng = np.random.default_rng(1)
    arrays = rng.integers(0, 256, (2000, 10)).astype(np.int32)
    for place, bit in ((0, 0), (4, 7), (9, 31)):
        other = arrays.copy()
        other[:, place] ^= np.int32(1 << bit if bit < 31 else -(2**31))
        flipped = np.asarray(HASH(jnp.asarray(arrays)) ^ HASH(jnp.asarray(other)))
        share = np.unpackbits(flipped.view(np.uint8), axis=1).mean(axis=0)
        assert np.abs(share - 0.5).max() < 5 * 0.5 / np.sqrt(2000)
