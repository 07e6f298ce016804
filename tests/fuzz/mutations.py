"""From a believable stream to one that no service should send: a list of events (JSON objects) becomes a list of texts.

What is said in words is in Chinese characters, each of which stands once in a whole example, and sound is bytes of 1 to
250, likewise; so whatever is told twice, or in another order than it came, is seen. What a mutation puts in their place
is ASCII and zeros.
"""

import base64
import copy
import json
from dataclasses import dataclass, field

from hypothesis import strategies as st

KEY = "sk-fuzz-0123456789-never-to-be-told"
SPELLED = KEY.replace("-", "\\u002d")
"""The same in JSON, otherwise."""

UNTOLD = "\u9000"
"""From here on letters are thoughts."""

_DEEP = []
for _ in range(60):
    _DEEP = [_DEEP]

ODD = [
    None, True, False, 0, -1, 1, 2.5, 1e308, float("nan"), float("inf"), 10**60, "", " ", "odd words", "AAAA", "A", "=",
    "AAA=", "\ud800", "\x00\n\r\t\x1b[31m", "12", "503", "stop", "content_filter", "response.done", [], {}, [[]], [{}],
    [None], {"a": None}, {"message": "odd"}, {"id": 5}, {"text": 5}, [1, "a", {}], "x " * 3000, _DEEP,
    f"no such key: {KEY}", "x " * 90 + f"and the key was {KEY} it was",
]  # fmt: skip

GARBAGE = [
    "", "{", "}", "null", "5", "[]", '"text"', "garbage", "[DONE]", "[DONE", "\x00", "[" * 3000, '{"a":' * 3000,
    '{"type":' + "9" * 5000 + "}", '{"type": "error"}', '{"type": null}', '{"error": "odd"}', '{"error": {}}',
    '{"type": "odd", "type": "error", "message": "m"}', '{"timestamp": 00}',
    f'{{"type": "error", "message": "your key {SPELLED} is bad"}}',
    f'{{"event_id": "k", "type": "error", "error": {{"type": "server_error", "message": "key {SPELLED}, {KEY}"}}}}',
    f'{{"error": {{"message": "key {SPELLED}, {KEY}", "type": "{KEY}", "code": "{SPELLED}"}}}}',
]  # fmt: skip

OPERATIONS = [
    "drop", "double", "double later", "move", "swap", "again", "remove", "null", "odd", "odd", "shorten", "other",
    "cut", "append", "wrap", "insert", "insert", "garbage",
]  # fmt: skip


@dataclass
class Source:
    """Gives bytes and characters, each once in an example."""

    sound: int = 0
    letters: int = 0

    def pcm(self, length):
        """The next bytes; as many as there are left, and then zeros."""
        start = self.sound
        self.sound = min(250, start + length)
        return bytes(range(start + 1, self.sound + 1)).ljust(length, b"\0")

    def text(self, length):
        """The next letters."""
        start = self.letters
        self.letters += length
        return "".join(chr(0x4E00 + number) for number in range(start, self.letters))

    @property
    def text_so_far(self):
        """All letters that were given."""
        return Source().text(self.letters)

    def thought(self, length):
        """Letters that nobody may be told."""
        return "".join(chr(ord(UNTOLD) + ord(letter) - 0x4E00) for letter in self.text(length))


@dataclass
class Step:
    """An event, or a text in its place. It waits until the client has said `gate`, but not for ever."""

    body: dict | str
    gate: str = ""
    pause_s: float = 0.0

    @property
    def text(self):
        return self.body if isinstance(self.body, str) else json.dumps(self.body, ensure_ascii=False)


def base64_of(pcm):
    return base64.b64encode(pcm).decode()


def letters_of(text):
    """What of it is ours."""
    return [letter for letter in text if "\u4e00" <= letter <= "\u9fff"]


PAUSES = st.sampled_from([0.0] * 12 + [0.05, 0.3, 1.2, 5.0, 20.0, 70.0])
_MUTATION = st.tuples(
    st.sampled_from(OPERATIONS), st.integers(0, 40), st.integers(0, 40), st.integers(0, 400), st.integers(0, 400)
)
MUTATIONS = st.lists(_MUTATION, max_size=6)


def mutated(steps, mutations, extra=()):
    """`steps` after all `mutations`; `extra` are events that may come in anywhere."""
    steps = list(steps)
    for kind, i, j, k, n in mutations:
        if not steps:
            steps = [Step({})]
        _mutate(steps, kind, i % len(steps), j % len(steps), k, n, extra)
    return steps


def _mutate(steps, kind, i, j, k, n, extra):
    one = steps[i]
    match kind:
        case "drop":
            del steps[i]
        case "double":
            steps.insert(i, one)
        case "double later":
            steps.insert(max(i, j) + 1, one)
        case "move":
            steps.insert(j, steps.pop(i))
        case "swap":
            steps[i], steps[j] = steps[j], steps[i]
        case "again" if len(steps) < 60:
            steps.extend(steps[i:])
        case "cut":
            steps[i] = Step(one.text[: k % (len(one.text) + 1)], one.gate)
        case "append":
            steps[i] = Step(one.text + GARBAGE[k % len(GARBAGE)], one.gate)
        case "wrap":
            steps[i] = Step(json.dumps([one.body] if k % 2 else {"type": "odd", "data": one.body}), one.gate)
        case "insert" if extra:
            steps.insert(i + k % 2, Step(copy.deepcopy(extra[n % len(extra)])))
        case "garbage":
            steps.insert(i, Step(GARBAGE[k % len(GARBAGE)]))
        case _ if isinstance(one.body, dict) and one.body:
            steps[i] = Step(_with_another_field(one.body, kind, k, n), one.gate)


def _with_another_field(body, kind, k, n):
    body = copy.deepcopy(body)
    places = list(_places(body))
    where, name = places[k % len(places)]
    value = where[name]
    match kind:
        case "remove":
            del where[name]
        case "null":
            where[name] = None
        case "odd":
            where[name] = ODD[n % len(ODD)]
        case "shorten" if isinstance(value, str) and not value.startswith("UklG"):
            where[name] = value[: n % (len(value) + 1)]
        case "other" if isinstance(value, str) and not letters_of(value):
            where[name] = ["other", "other", "R", "call-1", ""][n % 5]
    return body


def _places(value):
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for name, inner in list(items):
        yield value, name
        yield from _places(inner)


@dataclass
class Cut:
    """How bytes get to the client: in pieces cut anywhere, with pauses; and how they end."""

    cuts: list = field(default_factory=list)
    pauses: list = field(default_factory=list)
    end: str = "well"
    at: int = 0
    """Where, if it does not end well: in thousandths."""

    def pieces(self, data):
        """The pieces, each with the pause before it, up to where it breaks off."""
        if self.end != "well":
            data = data[: len(data) * self.at // 1000]
        edges = [0, *sorted(cut * len(data) // 1000 for cut in self.cuts), len(data)]
        pauses = [*self.pauses, *[0.0] * len(edges)]
        return [(pause, data[a:b]) for pause, a, b in zip(pauses, edges, edges[1:], strict=False) if b > a]


ENDS = st.sampled_from(["well"] * 6 + ["hang up", "break off", "silent", "nonsense"])
CUTS = st.builds(
    Cut,
    st.lists(st.integers(0, 1000), max_size=6),
    st.lists(PAUSES, max_size=6),
    ENDS,
    st.integers(0, 1000),
)
