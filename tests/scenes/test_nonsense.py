"""A service that speaks nonsense in the middle of a turn: each piece is counted, and the conversation ends asleep."""

from hypothesis import given, settings
from hypothesis import strategies as st

from antiphon.conversation.effects import CancelReply, CloseLink, EndPlay, Hush, OpenLink, Play
from antiphon.conversation.events import Finished, Hushed, LinkClosed, LinkEvent, LinkOpened, Sounded
from antiphon.conversation.states import State
from antiphon.links.realtime.dialogue import Dialogue
from antiphon.links.realtime.messages import Malformed, Unknown
from antiphon.links.realtime.wire import decode
from conversation.playbook import CAPTURED, Playbook
from links.realtime.nonsense import FRAMES


class Call:
    """The link's thinking part, and the mouth of a healthy device, around one mind."""

    def __init__(self, book: Playbook, *, own: bool) -> None:
        self.book = book
        self.dialogue = Dialogue(1, own_turns=own, voice="v", model="m")
        self.counted = 0

    def hear(self, frame: bytes | str) -> None:
        message = decode(frame)
        self.counted += 1
        if isinstance(message, Malformed | Unknown):
            return
        for event in self.dialogue.heard(message).events:
            self.tell(event)

    def tell(self, event: LinkEvent | Sounded | Finished | Hushed) -> None:
        for effect in self.book.on(event):
            match effect:
                case Play(reply):
                    self.tell(Sounded(reply))
                case EndPlay(reply):
                    self.tell(Finished(reply, 1.0))
                case Hush(reply):
                    self.tell(Hushed(reply, 1.0))
                case CancelReply(1, reply, heard_ms):
                    for told in self.dialogue.cancel(reply, heard_ms).events:
                        self.tell(told)
                case CloseLink(call):
                    self.tell(LinkClosed(call))
                case OpenLink(call) if call > 1:
                    self.tell(LinkOpened(call))


@given(st.booleans(), st.booleans(), st.lists(FRAMES, min_size=10, max_size=10))
@settings(max_examples=1000, deadline=None)
def test_ten_thousand_pieces_of_nonsense_end_asleep(own: bool, thinking: bool, frames: list[bytes | str]) -> None:
    book = Playbook(own=own, forget_after_s=86_400).listening()
    if thinking and not own:
        book = Playbook(forget_after_s=86_400).thinking()
    call = Call(book, own=own)
    for frame in frames:
        call.hear(frame)
        book.on(CAPTURED)
    assert call.counted == len(frames)
    for _ in range(100):
        if book.state is State.ASLEEP:
            break
        for effect in book.wait():
            if isinstance(effect, EndPlay):
                call.tell(Finished(effect.reply, 1.0))
    assert book.state is State.ASLEEP
