"""What can go wrong with a call to StepFun's realtime service, as sentences: whose fault, and what to do next.

What its statuses mean, as those of all of StepFun's services, is in speech/meanings.py; here is what is its own. A
sentence may end with the service's own words: link.py takes the key out of them, then cuts them.
"""

from typing import Final

from websockets.exceptions import ConnectionClosed

from antiphon.errors import LinkError, Lost
from antiphon.speech import socket_troubles
from antiphon.speech.meanings import Where

SESSION_LIMIT_S = 30 * 60.0
"""StepFun's guide: a session lasts 30 minutes at most. How it is ended is not told."""

WHERE: Final = Where(
    url="realtime.url",
    model="realtime.model",
    voice="realtime.voice",
    given="the call",
    rules="change realtime.instructions",
    tail="/realtime",
    example="wss://api.stepfun.com/v1/realtime",
)


def explain(error: Exception, host: str, url: str = "") -> LinkError:
    """The failure to open a connection to `host` (its name alone), at `url`, as an error with one sentence."""
    return socket_troubles.explain(error, host, WHERE, url)


def explain_close(closed: ConnectionClosed, host: str, age_s: float) -> LinkError:
    """A call that had been open for `age_s` seconds and that we did not end."""
    ours_alone = closed.sent is not None and closed.rcvd is None  # we hung up on nonsense, or on silence
    if age_s >= SESSION_LIMIT_S - 60 and not ours_alone:
        how = socket_troubles.how_it_ended(closed)
        return Lost(f"{host} {how} after {age_s / 60:.0f} minutes, its limit being 30: a new call will do")
    return socket_troubles.explain_close(closed, host, WHERE)
