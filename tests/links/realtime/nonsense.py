"""What no service should say: frames with every known name and the wrong things in them, and no frames at all."""

import json

from hypothesis import strategies as st

from antiphon.links.realtime.wire import SERVER_EVENTS

ODD = [None, 5, "", "A", "AAAA", [], {}, [{}], {"id": "A"}, {"id": 5}, {"status": "failed", "output": [{"content": 1}]}]
ODD += [
    {"message": "no speech found"},
    {"voice": "x"},
    {"type": "function_call", "call_id": "c", "name": "f", "arguments": "{}"},
    {"type": "message", "id": "I"},
    {"content": [{"text": "t"}]},
    [[1]],
]
FIELDS = [
    "response",
    "response_id",
    "item",
    "item_id",
    "delta",
    "transcript",
    "session",
    "error",
    "part",
    "content_index",
    "call_id",
    "name",
    "arguments",
]

FRAMES = st.one_of(
    st.binary(max_size=20),
    st.text(max_size=20),
    st.builds(
        lambda kind, fields: json.dumps({"type": kind, **fields}),
        st.sampled_from([*sorted(SERVER_EVENTS), "response.odd"]),
        st.dictionaries(st.sampled_from(FIELDS), st.sampled_from(ODD), max_size=4),
    ),
)
