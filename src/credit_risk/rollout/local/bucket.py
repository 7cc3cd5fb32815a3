"""Which applicants a rollout takes in: a hash of the applicant and the rollout's salt, the same here as in the router.

The bucket, 0 to 9999, does not depend on the split, so an applicant who is in stays in as the split grows; another
salt draws others, so that it is not always the same people who meet what is new.
"""

BUCKETS = 10_000
MASK = 0xFFFFFFFF
P1, P2, P3, P4, P5 = 2654435761, 2246822519, 3266489917, 668265263, 374761393


def bucket(applicant: str, salt: int) -> int:
    """The bucket of an applicant in the rollout with this salt; HAProxy computes it as deploy/haproxy.cfg says."""
    return xxh32(f"{salt}:{applicant}".encode()) % BUCKETS


def limit(percent: int) -> int:
    """Buckets below this belong to the candidate."""
    return percent * BUCKETS // 100


def xxh32(data: bytes) -> int:
    """xxHash32 with seed 0, as published (https://github.com/Cyan4973/xxHash, doc/xxhash_spec.md)."""
    lanes = [(P1 + P2) & MASK, P2, 0, -P1 & MASK]
    whole = len(data) - len(data) % 16
    for start in range(0, whole, 16):
        lanes = [_round(lane, _word(data, start + 4 * index)) for index, lane in enumerate(lanes)]
    state = sum(_rotated(lane, by) for lane, by in zip(lanes, (1, 7, 12, 18), strict=True)) if whole else P5
    state = (state + len(data)) & MASK
    words = whole + (len(data) - whole) // 4 * 4
    for position in range(whole, words, 4):
        state = _rotated((state + _word(data, position) * P3) & MASK, 17) * P4 & MASK
    for byte in data[words:]:
        state = _rotated((state + byte * P5) & MASK, 11) * P1 & MASK
    state = (state ^ state >> 15) * P2 & MASK
    state = (state ^ state >> 13) * P3 & MASK
    return state ^ state >> 16


def _round(lane: int, word: int) -> int:
    return _rotated((lane + word * P2) & MASK, 13) * P1 & MASK


def _word(data: bytes, position: int) -> int:
    return int.from_bytes(data[position : position + 4], "little")


def _rotated(value: int, by: int) -> int:
    return (value << by | value >> 32 - by) & MASK
