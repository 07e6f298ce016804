"""What the service's events mean, and what to say back. Pure: messages in, events and requests out; no clock.

Rules
1. One reply at a time: a new one ends the old. What belongs to a reply that has ended or was cancelled is dropped.
2. A reply begins with its first sign, whichever that is, and ends once. A missing id means the running reply.
3. The service never interrupts itself: `cancel` asks it to. Whatever answers that (response.cancelled, response.done
   of any status, "no ongoing response to cancel") is the end.
4. Where we find the turns, `commit` asks for a reply too: at once, or, while a cancelled reply is still ending, after
   that. Refused because one runs, it is asked again when one ends. So no wait needs a clock.
5. What came of tools is told while no reply runs, and an answer to it is asked for after that; refused because one
   runs, both are sent again when it ends. Where the service finds the turns, such a reply may begin at any time.
6. Errors are known by what their message contains: they come with and without codes, and their words change.
"""

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

from antiphon.conversation import events as happened
from antiphon.conversation.effects import ToolOutput
from antiphon.errors import Problem
from antiphon.links.realtime import messages as m
from antiphon.links.realtime.tool_calls import ToolCalls
from antiphon.pcm import LINK_RATE_HZ, SAMPLE_BYTES, ms_of

MEMORY = 64
"""Ended replies that are remembered, so that their late events are known for what they are."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a step led to, each in order."""

    events: tuple[happened.LinkEvent, ...] = ()
    requests: tuple[m.ClientMessage, ...] = ()


@dataclass(slots=True)
class _Reply:
    id: str  # what the house calls it
    response: str  # what the service calls it; "" while it has not said
    item: str = ""
    content_index: int = 0
    audio_bytes: int = 0
    half_sample: bytes = b""
    has_text: bool = False
    whole_of: str | None = None  # the item whose whole text came before any piece of it
    cancelled: bool = False
    calls: ToolCalls = field(default_factory=ToolCalls)
    has_called: bool = False

    @property
    def is_blank(self) -> bool:
        return not (self.cancelled or self.has_text or self.audio_bytes or self.has_called)

    @property
    def length_ms(self) -> float:
        return ms_of(self.audio_bytes // SAMPLE_BYTES, LINK_RATE_HZ)


class Dialogue:
    """One call's dialogue. `own_turns`: we find the turns, and `commit` them. `voice` may be "": the service's own."""

    def __init__(self, call: int, *, own_turns: bool, voice: str, model: str) -> None:
        self.opened = False
        self._call = call
        self._own_turns = own_turns
        self._voice = voice
        self._model = model
        self._events: list[happened.LinkEvent] = []
        self._requests: list[m.ClientMessage] = []
        self._reply: _Reply | None = None
        self._past: deque[_Reply] = deque(maxlen=MEMORY)
        self._names = 0  # how many names we had to make up
        self._turn = ""  # the item of the user's last turn
        self._reply_owed = False  # response.create waits for the end of a reply
        self._outputs: deque[ToolOutput] = deque()  # that wait for the end of a reply
        self._outputs_sent: dict[str, ToolOutput] = {}  # the last of them, by the name of the request
        self._asked = False  # response.create was sent, and no reply has ended since
        self._turn_was_empty = False  # a reply to the last committed turn would be a reply to nothing
        self._tail_expected = False  # nameless pieces that come now belong to the reply that was cancelled
        self._truncating: set[str] = set()
        self._voice_told = False

    # ── what comes ───────────────────────────────────────────────────────────────────────────────

    def heard(self, message: m.ServerMessage) -> Outcome:
        """The service said `message`."""
        match message:
            case m.SessionCreated():
                self._open()
            case m.SessionUpdated(session):
                self._open()
                self._compare_voice(session.voice)
            case m.SpeechStarted():
                self._tell(happened.SpeechStarted(self._call))
            case m.SpeechStopped():
                self._tail_expected = False
                self._tell(happened.SpeechStopped(self._call))
            case m.Committed(item):
                self._keep_place(item)
            case m.Transcript(item, text) if text.strip():
                self._tell(happened.UserSaid(self._call, item or self._turn or self._new_name("turn"), text))
            case m.ItemTruncated():
                self._truncating.clear()
            case m.ServiceError():
                self._failed(message)
            case _:
                self._heard_of_reply(message)
        return self._outcome()

    def _heard_of_reply(self, message: m.ServerMessage) -> None:
        match message:
            case m.ResponseCreated(response):
                self._begun(response)
            case m.OutputItem(response, m.Item(id=item, kind="message"), done=False):
                if reply := self._reply_of(response):
                    reply.item = item
            case m.OutputItem(response, m.Item(kind="function_call") as item, done):
                if reply := self._reply_of(response):
                    reply.calls.item(item, done=done)
                    self._tool_calls(reply)
            case m.ToolCall(response):
                if reply := self._reply_of(response):
                    reply.calls.piece(message)
                    self._tool_calls(reply)
            case m.TextDelta(response, item, text):
                self._piece_of_text(self._reply_of(response), item, text)
            case m.TextDone(response, item, text):
                self._whole_text(response, item, text)
            case m.AudioDelta(response, item, index, pcm):
                self._audio(self._reply_of(response), item, index, pcm)
            case m.ResponseDone():
                self._done(message)
            case m.ResponseCancelled(response):
                self._done(m.ResponseDone(response, "cancelled", "", ""))
            case _:
                pass  # thinking, acknowledgements: nothing that anyone waits for

    def _open(self) -> None:
        if not self.opened:
            self.opened = True
            self._tell(happened.LinkOpened(self._call))

    def _compare_voice(self, voice: str) -> None:
        # An unknown voice is refused by an error, or replaced by another without a word.
        if self._voice and voice and voice != self._voice:
            self._complain_of_voice(f"StepFun speaks with the voice {_quoted(voice)} in its place")

    def _keep_place(self, item: str) -> None:
        """The turn's text comes later, often after the reply: keep its place in history."""
        self._tail_expected = False
        self._turn = item or self._new_name("turn")
        self._tell(happened.UserSaid(self._call, self._turn, ""))

    # ── a reply ──────────────────────────────────────────────────────────────────────────────────

    def _begun(self, response: str) -> None:
        if self._is_past(response):
            return
        reply = self._reply
        if reply is not None and not reply.response:
            reply.response = response  # its first pieces overtook this
        elif reply is None or reply.response != response or not response:
            self._begin(response)

    def _begin(self, response: str) -> _Reply | None:
        self._tail_expected = False
        if self._reply is not None:
            self._end("cancelled")
        if self._turn_was_empty:
            self._refuse(response)
            return None
        self._reply = _Reply(response or self._new_name("reply"), response)
        self._tell(happened.ReplyStarted(self._call, self._reply.id))
        return self._reply

    def _refuse(self, response: str) -> None:
        """The reply that was asked for with a turn that turned out to be empty."""
        self._turn_was_empty = False
        self._tail_expected = True
        self._past.append(_Reply(response, response, cancelled=True))
        self._ask(m.CancelResponse())

    def _reply_of(self, response: str) -> _Reply | None:
        """The reply that a piece of `response` belongs to, begun if need be; None when the piece is stale."""
        reply = self._reply
        if self._is_past(response) or (reply is None and not response and self._tail_expected):
            return None
        if reply is None or (response and reply.response and response != reply.response):
            return self._begin(response)
        reply.response = reply.response or response
        return reply

    def _text(self, reply: _Reply | None, text: str) -> None:
        if reply is not None and text and not reply.cancelled:
            reply.has_text = True
            self._tell(happened.ReplyText(self._call, reply.id, text))

    def _tool_calls(self, reply: _Reply, *, over: bool = False) -> None:
        """Tell of the tools that the reply has called, each once. Who hears of a cancelled one runs it no more."""
        for call in reply.calls.ready(over=over):
            reply.has_called = True
            self._tell(happened.ToolCalled(self._call, reply.id, call.id, call.name, call.arguments))

    def _piece_of_text(self, reply: _Reply | None, item: str, text: str) -> None:
        """A piece counts where the whole has not come."""
        if reply is None or reply.whole_of is None or (item and reply.whole_of and item != reply.whole_of):
            self._text(reply, text)

    def _whole_text(self, response: str, item: str, text: str) -> None:
        """The whole text counts where no piece of it came."""
        if text and self._reply is not None and (reply := self._reply_of(response)) and not reply.has_text:
            reply.whole_of = item
            self._text(reply, text)

    def _audio(self, reply: _Reply | None, item: str, index: int, pcm: bytes) -> None:
        if reply is None:
            return
        reply.item, reply.content_index = item or reply.item, index
        if reply.cancelled:
            return
        pcm = reply.half_sample + pcm
        whole = len(pcm) - len(pcm) % SAMPLE_BYTES
        reply.half_sample = pcm[whole:]
        reply.audio_bytes += whole
        if whole:
            self._tell(happened.ReplyAudio(self._call, reply.id, pcm[:whole]))

    def _done(self, done: m.ResponseDone) -> None:
        reply = self._reply
        named = bool(done.response)
        if reply is None and named and not self._is_past(done.response):
            reply = self._begin(done.response)  # its every other event was lost
        ours = reply is not None and done.response in ("", reply.response)
        if reply is not None and (ours or (named and not reply.response and not self._is_past(done.response))):
            reply.response = reply.response or done.response
            if not reply.has_text:
                self._text(reply, done.text)
            status, problem = _verdict(reply, done)
            self._tool_calls(reply, over=status == "completed")
            self._end(status, problem)
        self._ask_what_is_owed()

    def _end(self, status: Literal["completed", "cancelled", "failed"], problem: Problem | None = None) -> None:
        reply, self._reply = self._reply, None
        assert reply is not None
        self._past.append(reply)
        self._tail_expected = reply.cancelled
        self._asked = False
        self._tell(happened.ReplyEnded(self._call, reply.id, status, problem))

    def _is_past(self, response: str) -> bool:
        return bool(response) and any(reply.response == response for reply in self._past)

    # ── what we want ─────────────────────────────────────────────────────────────────────────────

    def commit(self) -> Outcome:
        """The user's turn is over, by our own judgement: ask for a reply. Nothing where the service finds the turns."""
        if self._own_turns:
            self._turn_was_empty = False
            self._ask(m.CommitAudio())
            self._reply_owed = True
            if self._reply is None or not self._reply.cancelled:
                self._ask_what_is_owed()
        return self._outcome()

    def give_tool_outputs(self, outputs: Sequence[ToolOutput], *, respond: bool) -> Outcome:
        """What came of the tools that a reply has called; with `respond` a reply to that is asked for."""
        self._outputs.extend(outputs)
        self._reply_owed = self._reply_owed or respond
        if self._reply is None:
            self._ask_what_is_owed()
        return self._outcome()

    def _send_outputs(self) -> None:
        """No reply runs, as far as we know; one that does makes the service refuse them by their names."""
        self._outputs_sent.clear()
        while self._outputs:
            output = self._outputs.popleft()
            event_id = self._new_name("output")
            self._outputs_sent[event_id] = output
            self._ask(m.AddToolOutput(output.tool_call, output.output, event_id=event_id))

    def _ask_what_is_owed(self) -> None:
        if self._outputs and self._reply is None:
            self._send_outputs()
        if self._reply_owed:
            self._reply_owed, self._asked = False, True
            self._ask(m.CreateResponse())

    def cancel(self, reply_id: str, heard_ms: float) -> Outcome:
        """Stop the reply, of which the user heard `heard_ms`; one that has ended is only cut to that in the record."""
        reply = self._reply
        if reply is not None and reply.id == reply_id:
            if not reply.cancelled:
                reply.cancelled = True
                self._ask(m.CancelResponse())
                self._truncate(reply, heard_ms)
        else:
            for past in self._past:
                if past.id == reply_id and not past.cancelled and heard_ms < past.length_ms:
                    past.cancelled = True
                    self._truncate(past, heard_ms)
        return self._outcome()

    def _truncate(self, reply: _Reply, heard_ms: float) -> None:
        if reply.item and reply.audio_bytes:
            event_id = self._new_name("truncate")
            self._truncating.add(event_id)
            end_ms = int(min(max(heard_ms, 0.0), reply.length_ms))
            self._ask(m.TruncateItem(reply.item, reply.content_index, end_ms, event_id=event_id))

    # ── errors ───────────────────────────────────────────────────────────────────────────────────

    def _failed(self, error: m.ServiceError) -> None:
        words = f"{error.message} {error.code}".lower().replace("_", " ")  # codes say the same, underlined
        if self._is_about_truncation(error, words):
            self._truncating.discard(error.event_id)
        elif "no ongoing response to cancel" in words:
            if self._reply is not None and self._reply.cancelled:
                self._end("cancelled")
            self._ask_what_is_owed()
        elif "no speech found" in words or "append is not called" in words:
            self._nothing_said()
        elif "ongoing response already exists" in words or "already has active response" in words:
            self._answers_already(error)
        elif error.event_id in self._outputs_sent and not self._asked:
            pass  # of a call that was cancelled, as it seems: nobody waits for an answer
        elif "continue final message" in words and self._turn_was_empty:
            pass  # asked to answer an empty turn in an empty conversation
        else:
            self._complain(error, words)

    def _answers_already(self, error: m.ServiceError) -> None:
        """What we asked is asked again when that reply ends: it was refused, not what came before it."""
        if refused := self._outputs_sent.pop(error.event_id, None):
            self._outputs.append(refused)
        else:
            self._reply_owed = self._own_turns or self._asked

    def _is_about_truncation(self, error: m.ServiceError, words: str) -> bool:
        """Truncation is not in the reference, so a refusal of it is no news."""
        return error.event_id in self._truncating or (
            bool(self._truncating) and not error.event_id and ("truncat" in words or "audio end ms" in words)
        )

    def _nothing_said(self) -> None:
        if self._turn_was_empty:
            return  # told already: one error for the commit, one for the response
        self._tell(happened.NothingRecognised(self._call))
        if self._reply is not None and self._reply.is_blank:
            self._end("completed")  # begun for this turn; no response.done follows this error
        elif self._own_turns:
            self._turn_was_empty = not self._reply_owed
        self._reply_owed = self._reply_owed and not self._own_turns  # else it is owed to what tools have answered
        if self._reply is None:
            self._ask_what_is_owed()

    def _complain(self, error: m.ServiceError, words: str) -> None:
        said = _quoted(error.message)
        if "commit when server vad" in words:
            sentence = "StepFun finds the turns itself and refused ours: set realtime.turn_detection to server"
            self._tell(happened.ServiceComplained(self._call, Problem("refused", sentence)))
        elif "voice" in words and "is not valid" in words:
            self._complain_of_voice(f"StepFun says {said}")
        elif error.kind == "invalid_request_error":
            sentence = f"StepFun refused a request ({said}): check the settings under realtime"
            self._tell(happened.ServiceComplained(self._call, Problem("refused", sentence)))
        else:
            sentence = f"StepFun failed for a moment ({said}): say it again"
            self._tell(happened.ServiceComplained(self._call, Problem("lost", sentence)))

    def _complain_of_voice(self, how: str) -> None:
        if not self._voice_told:
            self._voice_told = True
            sentence = (
                f"The model {self._model} will not speak with the voice {self._voice!r} ({how}): "
                "set realtime.voice to one that it has"
            )
            self._tell(happened.ServiceComplained(self._call, Problem("refused", sentence)))

    # ── small things ─────────────────────────────────────────────────────────────────────────────

    def _tell(self, event: happened.LinkEvent) -> None:
        self._events.append(event)

    def _ask(self, request: m.ClientMessage) -> None:
        self._requests.append(request)

    def _outcome(self) -> Outcome:
        outcome = Outcome(tuple(self._events), tuple(self._requests))
        self._events.clear()
        self._requests.clear()
        return outcome

    def _new_name(self, what: str) -> str:
        self._names += 1
        return f"{what}-{self._call}-{self._names}"


def _verdict(reply: _Reply, done: m.ResponseDone) -> tuple[Literal["completed", "cancelled", "failed"], Problem | None]:
    """One that we cancelled may end with any status, even "completed" when the two crossed."""
    if reply.cancelled or done.status == "cancelled":
        return "cancelled", None
    if done.status in ("failed", "incomplete"):
        why = f"{done.status}: {_quoted(done.why)}" if done.why else done.status
        return "failed", Problem("lost", f"StepFun broke the reply off ({why}): ask again")
    return "completed", None


def _quoted(text: str) -> str:
    """The service's words in one short printable line."""
    line = " ".join("".join(c if c.isprintable() else " " for c in text[:400]).split())
    return repr(line if len(line) <= 160 else line[:157] + "...")
