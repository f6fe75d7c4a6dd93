import numpy as np

from rl_credit.ops import buckets


def test_buckets_are_the_documented_ones():
    sizes = sorted({buckets.bucket(size) for size in range(40)})
    assert sizes == [8, 10, 12, 14, 16, 20, 24, 28, 32, 40]


def test_a_bucket_is_the_least_that_holds():
    known = sorted({buckets.bucket(size) for size in range(5000)})
    for size in range(known[-2]):
        assert buckets.bucket(size) == min(large for large in known if large >= size)


def test_a_bucket_wastes_less_than_a_quarter():
    for size in range(8, 100_000, 7):
        assert size <= buckets.bucket(size) < 1.25 * size
        assert buckets.bucket(buckets.bucket(size)) == buckets.bucket(size)


def test_few_buckets_serve_many_sizes():
    assert len({buckets.bucket(size) for size in range(1, 65537)}) < 60


def test_pad_extends_the_leading_axes():
    array = np.arange(6, dtype=np.int32).reshape(2, 3)
    padded = buckets.pad(array, (4,), -1)
    np.testing.assert_array_equal(padded[:2], array)
    np.testing.assert_array_equal(padded[2:], np.full((2, 3), -1))
    assert padded.dtype == np.int32
    padded = buckets.pad(array, (2, 5), 0)
    np.testing.assert_array_equal(padded, [[0, 1, 2, 0, 0], [3, 4, 5, 0, 0]])
    np.testing.assert_array_equal(buckets.pad(array, (2, 3), 9), array)
