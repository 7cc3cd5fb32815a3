"""The bucket is HAProxy's, stays as the split grows, and is drawn anew by another salt."""

import pytest

from credit_risk.rollout.local.bucket import BUCKETS, bucket, limit, xxh32


@pytest.mark.parametrize(
    ("data", "hashed"),
    # From the sanity checks of xxHash's own repository and the documentation of python-xxhash.
    [
        (b"", 0x02CC5D05),
        (b"a", 0x550D7456),
        (b"abc", 0x32D153FF),
        (b"Nobody inspects the spammish repetition", 0xE2293B2F),
    ],
)
def test_the_hash_is_the_published_one(data, hashed):
    assert xxh32(data) == hashed


def test_the_bucket_is_the_hash_of_salt_and_applicant():
    assert bucket("7", 12) == xxh32(b"12:7") % 10_000


def test_a_step_of_one_percent_is_a_hundred_buckets():
    assert [limit(percent) for percent in (1, 5, 100)] == [100, 500, BUCKETS]


def test_each_tenth_of_the_buckets_holds_about_a_tenth_of_the_applicants():
    counts = [0] * 10
    for number in range(10_000):
        counts[bucket(str(number), 3) // 1_000] += 1
    assert min(counts) > 880
    assert max(counts) < 1_120


def test_another_salt_draws_other_applicants():
    first, second = ({n for n in range(5_000) if bucket(str(n), salt) < limit(10)} for salt in (3, 4))
    assert 20 < len(first & second) < 90  # a tenth of a tenth, of 5,000
