"""Whoever sends the worst body of a size gets an answer for work that grows no faster than the body.

Work is counted, not timed: calls of functions by the interpreter's own profiler, comparisons of names by names that
count them. How long that takes depends on the machine; how much it is does not.
"""

import difflib
import json
import sys
from collections.abc import Callable
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from loadtest.worst_bodies import batch_of, filled, worst

import smallest
from credit_risk.serving.limits.batch_work import WorkLimit
from credit_risk.serving.problems import MOST_FAULTS, Problem
from credit_risk.serving.requests import json_reading
from credit_risk.serving.requests.json_reading import BatchJson, once, parsed
from credit_risk.serving.requests.request_reading import NAMES_EXPLAINED, RequestReader
from credit_risk.serving.settings import Limits

LIMITS = Limits()
COLUMNS = {
    "id": {"role": "id", "type": "integer"},
    "income": {"role": "feature", "type": "number", "range": [0, 9000]},
    "months": {"role": "feature", "type": "integer", "range": [0, 12]},
    "job": {"role": "input_only", "type": "category", "categories": ["none", "some"]},
    "status": {"role": "target", "type": "integer"},
}
READER = RequestReader(smallest.config(columns=COLUMNS))
APPLICATION = b'{"income": 1200.5, "months": 3, "job": "some"}'
CALLS_A_BYTE, CALLS = 2.5, 5_000  # what the worst bodies below need is at most half of it


def calls(work: Callable[[], Any]) -> int:
    """How many functions a piece of work calls, Python's and C's, a refusal included."""
    count = 0

    def note(_: Any, event: str, __: Any) -> None:
        nonlocal count
        count += event in ("call", "c_call")

    sys.setprofile(note)
    try:
        work()
    except Problem:
        pass
    finally:
        sys.setprofile(None)
    return count


def batch(body: bytes, step: Callable[[], None] = lambda: None) -> Any:
    return READER.applications(body, LIMITS.body_bytes, LIMITS.batch_rows, step)


WORST = worst(known="income", text="job")


@pytest.mark.parametrize("kind", WORST)
def test_the_worst_application_of_the_size_limit_costs_bounded_work_and_gets_a_short_answer(kind):
    body = filled(*WORST[kind], LIMITS.body_bytes)
    assert calls(lambda: READER.application(body)) < CALLS_A_BYTE * len(body) + CALLS
    with pytest.raises(Problem) as refused:
        READER.application(body)
    assert len(refused.value.faults) <= MOST_FAULTS
    assert len(orjson.dumps(refused.value.as_dict(), default=str)) < 16_384


@pytest.mark.parametrize("kind", WORST)
def test_the_worst_batch_of_the_size_limit_costs_bounded_work_and_gets_a_short_answer(kind):
    application = filled(*WORST[kind], LIMITS.body_bytes)
    rows = LIMITS.batch_bytes // (len(application) + 1)
    body = batch_of(application, LIMITS.batch_bytes // 4)
    limit = WorkLimit(seconds=1e9)
    assert calls(lambda: batch(body, limit.step)) < CALLS_A_BYTE * len(body) + CALLS
    assert limit.steps >= min(rows, len(body) // LIMITS.body_bytes) or "twice" in kind or "digits" in kind
    with pytest.raises(Problem) as refused:
        batch(body)
    assert len(refused.value.faults) <= MOST_FAULTS
    assert len(orjson.dumps(refused.value.as_dict(), default=str)) < 16_384


SHAPES = {
    "names of the batch": (b"{", lambda n: b'"%x":1' % n, b"}"),
    "one application": (b'{"applications":[{', lambda n: b'"%x":1' % n, b"}]}"),
    "too many applications": (b'{"applications":[', lambda _: b"{}", b"]}"),
    "too many references": (b'{"applications":[%s],"applicants":[' % APPLICATION, lambda _: b'""', b"]}"),
    "no list": (b'{"applications":{', lambda n: b'"%x":1' % n, b"}}"),
    "a list": (b"[", lambda _: APPLICATION, b"]"),
    "blanks": (b'{"applications":[' + b" " * LIMITS.body_bytes, lambda _: b"1 ", b"]}"),
}


@pytest.mark.parametrize("shape", SHAPES)
def test_a_batch_of_a_wrong_shape_is_refused_before_most_of_it_is_read(shape, monkeypatch):
    body = filled(*SHAPES[shape], LIMITS.batch_bytes // 4)
    read = []
    decoder = json_reading.DECODER

    class Watched:
        def raw_decode(self, text):
            read.append(len(text))
            return decoder.raw_decode(text)

    monkeypatch.setattr(json_reading, "DECODER", Watched())
    with pytest.raises(Problem) as refused:
        batch(body)
    assert refused.value.status in (400, 422)
    assert max(read) <= LIMITS.body_bytes  # so long is a step, and no longer: between two the event loop goes on
    assert len(read) <= LIMITS.batch_rows + 2 * MOST_FAULTS + 2


class Name(str):
    """A name that counts how often it is compared."""

    __slots__ = ()
    compared = 0

    def __eq__(self, other: object) -> bool:
        Name.compared += 1
        return str.__eq__(self, other)

    __hash__ = str.__hash__


def compared(number: int) -> int:
    pairs = [(Name(index), 1) for index in range(number)] + [(Name(0), 2)]
    Name.compared = 0
    with pytest.raises(ValueError, match="stand twice: 0"):
        once(pairs)
    return Name.compared


def test_names_that_stand_twice_are_found_by_looking_at_each_once():
    assert compared(4_000) <= 8 * 4_000


def test_the_nearest_name_is_looked_for_a_few_times_and_of_many_inputs_compared_with_few(monkeypatch):
    looked, compared_with = [], []
    nearest = RequestReader._nearest

    def counted(self, name):
        looked.append(name)
        return nearest(self, name)

    monkeypatch.setattr(RequestReader, "_nearest", counted)
    close = difflib.get_close_matches
    monkeypatch.setattr(
        difflib, "get_close_matches", lambda word, names, n: compared_with.append(len(names)) or close(word, names, n)
    )
    for body in (
        filled(b"{", lambda n: b'"incom%x":1' % n, b"}", LIMITS.body_bytes),
        filled(b'{"applications":[', lambda n: b'{"incom%x":1}' % n, b"]}", 10_000),
    ):
        looked.clear()
        with pytest.raises(Problem):
            (batch if b"applications" in body else READER.application)(body)
        assert len(looked) == NAMES_EXPLAINED
    assert max(compared_with) <= 4


def test_of_many_faults_the_first_are_named_and_all_are_counted():
    with pytest.raises(Problem) as refused:
        READER.application(json.dumps({f"f{n}": 1 for n in range(200)} | {"income": -1}).encode())
    assert len(refused.value.faults) == MOST_FAULTS
    assert refused.value.detail.startswith("203 faults; nothing was decided. The first 50")  # two are missing


texts = st.text(max_size=8)
values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | texts,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts | st.sampled_from(["income", "a"]), inner),
    max_leaves=12,
)


@settings(max_examples=60)
@given(value=values, repeated=st.sampled_from(["list", "fields", "text", "depth"]), pretty=st.booleans())
def test_bodies_up_to_the_size_limit_cost_bounded_work(value, repeated, pretty):
    text = json.dumps(value, indent=1 if pretty else None, ensure_ascii=pretty)
    size = LIMITS.body_bytes - 64
    times = size // (len(text.encode()) + 12)
    body = {
        "list": lambda: "[" + ",".join([text] * times) + "]",
        "fields": lambda: "{" + ",".join(f'"{n:x}":{text}' for n in range(times)) + "}",
        "text": lambda: json.dumps({"job": text * (size // (3 * len(json.dumps(text))))}),
        "depth": lambda: '{"a":' * (times // 2) + text + "}" * (times // 2),
    }[repeated]().encode()
    assert calls(lambda: READER.application(body)) < CALLS_A_BYTE * len(body) + CALLS
    inside = b'{"applications":[' + body + b"]}"
    assert calls(lambda: batch(inside)) < CALLS_A_BYTE * len(inside) + CALLS


@settings(max_examples=300)
@given(st.binary(max_size=60) | st.text(alphabet='{}[],:"\\ue0123456789.-+ \ntrfalsn', max_size=60).map(str.encode))
def test_whatever_bytes_come_the_answer_is_a_refusal_of_the_clients(body):
    for read in (READER.application, batch):
        with pytest.raises(Problem) as refused:
            read(body)
        assert refused.value.status in (400, 422)


@settings(max_examples=200)
@given(value=values)
def test_a_batch_holds_what_json_says_and_refuses_what_json_refuses(value):
    body = json.dumps({"applications": [value, {}], "applicants": [value, None]}).encode()
    lists = BatchJson.lists(body, 10_000, 5, lambda: None)
    expected = parsed(body)
    if isinstance(value, list):
        expected["applications"][0] = expected["applicants"][0] = []
    if isinstance(value, dict):
        fields = {name: type(field)() if isinstance(field, dict | list) else field for name, field in value.items()}
        expected["applications"][0] = expected["applicants"][0] = fields
    assert lists == expected


@pytest.mark.parametrize(
    "body",
    [
        b'{"applications": [1, 2]} x',
        b'{"applications": [1, 2',
        b'{"applications": [1 2]}',
        b'{"applications": [1,]}',
        b'{"applications" [1]}',
        b'{"applications": [1],}',
        b"{applications: [1]}",
        b'{"applications": [1], "applications": [2]}',
        b'{"applications": [NaN]}',
        b"",
        b"{",
    ],
)
def test_a_batch_that_is_no_json_is_400(body):
    with pytest.raises(Problem) as refused:
        batch(body)
    assert refused.value.status == 400


@pytest.mark.parametrize("number", ["1" + "0" * 308, "1" + "0" * 309, "9" * 4_300, "-" + "9" * 400, "1e999", "-1e999"])
def test_a_number_of_any_length_is_refused_as_too_large(number):
    for name in ("income", "months", "job"):
        body = APPLICATION.replace(b'"%s"' % name.encode(), b'"%s":%s,"unknown"' % (name.encode(), number.encode()))
        with pytest.raises(Problem) as refused:
            READER.application(body)
        assert (refused.value.status, refused.value.faults[1].got) == (422, "a number too large")


@pytest.mark.parametrize(
    ("number", "kept"),
    [
        ("0.0", True), ("3.000", True), ("0e-400", True), ("30e-1", True), ("0.3e1", True), ("1e2", True),
        ("1e-400", False), ("3.00000000000000000001", False), ("-1e-999", False),
        ("0.30000000000000000000001e1", False),
        ("4503599627370497.5", False), ("0.5", True), ("1e999", True),
    ],
)  # fmt: skip
def test_a_fraction_never_becomes_a_whole_number(number, kept):
    if kept:
        assert parsed(number.encode()) == float(number)
    else:
        with pytest.raises(Problem, match="more digits than a number can keep"):
            parsed(number.encode())


def test_a_batch_ends_when_its_time_is_used_up_when_its_client_goes_and_when_the_service_ends():
    now = [0.0]
    limit = WorkLimit(seconds=2.0, clock=lambda: now[0])

    def work(steps: int) -> int:
        for _ in range(steps):
            now[0] += 0.5
            limit.step()
        return steps

    assert limit.run(work, 2) == 2
    now[0] += 100.0  # between two parts, in another thread, no time of its own passes
    with pytest.raises(Problem) as refused:
        limit.run(work, 4)
    assert refused.value.status == 413
    assert now[0] == pytest.approx(102.5)

    ended = WorkLimit(seconds=2.0)
    ended.refusal = Problem(408, "gone")
    with pytest.raises(Problem) as refused:
        batch(b'{"applications":[' + APPLICATION + b"]}", ended.step)
    assert refused.value.status == 408
