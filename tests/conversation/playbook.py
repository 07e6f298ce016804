"""A playbook: what happens, and what the mind must want then. Scenes and tests of the machine are written in it."""

from antiphon.calls import Calls, LinkPlan
from antiphon.conversation.effects import Effect, Note, OpenLink
from antiphon.conversation.events import (
    Captured,
    EarOpened,
    Event,
    Finished,
    LinkOpened,
    ReplyAudio,
    ReplyEnded,
    ReplyStarted,
    Sounded,
    SpeechStarted,
    SpeechStopped,
    Started,
    Ticked,
    Woke,
)
from antiphon.conversation.machine import Machine
from antiphon.conversation.manners import Manners
from antiphon.conversation.overlap import Duplex
from antiphon.conversation.states import State
from antiphon.gestures import Gestures
from antiphon.pcm import LINK_RATE_HZ, SAMPLE_BYTES, frames_in


def pcm(ms: float, value: int = 1) -> bytes:
    """`ms` of sound that can be told from other sound by `value`."""
    return bytes([value, 0]) * frames_in(ms, LINK_RATE_HZ)


assert len(pcm(1)) == 24 * SAMPLE_BYTES


class Playbook:
    """Drives one machine. `at` is the time; `wants` holds the effects of the last event, notes apart."""

    def __init__(
        self,
        *,
        own: bool = False,
        warm: bool = True,
        lan: int = 0,
        lan_first: bool = False,
        full: bool = False,
        muted: bool = False,
        announces: bool = True,
        **manners: int | str,
    ) -> None:
        """The cloud, and `lan` servers on the own network, named lan-1 and on, which are tried at the start.

        `full`: the board takes its own sound out of what it hears; `announces`: it has a speech service.
        """
        limits = Manners.model_validate(manners)
        cloud = LinkPlan("cloud", warm, 1500.0, own)
        servers = [LinkPlan(f"lan-{number + 1}", False, 1500.0, True, tried=True) for number in range(lan)]
        self.machine = Machine(
            limits,
            Calls([*servers, cloud] if lan_first else [cloud, *servers], limits.switch_ms / 1000),
            Gestures(double_ms=350, hold_ms=800),
            Duplex(full=full, decay_ms=DECAY_MS),
            muted=muted,
            announces=announces,
        )
        self.at = 100.0
        self.notes: list[Note] = []
        self.wants: list[Effect] = []

    @property
    def state(self) -> State:
        return self.machine.state

    def on(self, *events: Event, after_ms: float = 10.0) -> list[Effect]:
        """Each event, `after_ms` after the one before; the effects of all, notes kept apart."""
        self.wants = []
        for event in events:
            self.at += after_ms / 1000
            for effect in self.machine.handle(event, self.at):
                (self.notes if isinstance(effect, Note) else self.wants).append(effect)
        return self.wants

    def wait(self) -> list[Effect]:
        """Let the time come at which the machine wants to be told so."""
        assert self.machine.deadline is not None, "it would wait for ever"
        self.at = max(self.at, self.machine.deadline)
        return self.on(Ticked(), after_ms=0.0)

    def wait_for_effects(self) -> list[Effect]:
        """Let time pass until the machine wants something (a button's last contact is a deadline too)."""
        return next(effects for effects in (self.wait() for _ in range(9)) if effects)

    def noted(self) -> list[str]:
        return [note.what for note in self.notes]

    # ── ways to get somewhere ────────────────────────────────────────────────────────────────────

    def awake(self) -> "Playbook":
        """Started, the ear open, and call 1 open when warm."""
        self.on(Started(), EarOpened())
        wants = self.wants
        while opened := [effect.call for effect in wants if isinstance(effect, OpenLink)]:
            wants = self.on(LinkOpened(opened[0])) + self.on(Ticked(), after_ms=0.0)
        return self

    def listening(self) -> "Playbook":
        self.awake().on(WOKE)
        if self.state is State.OPENING:
            self.on(LinkOpened(1))
        return self

    def thinking(self) -> "Playbook":
        self.listening()
        self.on(SpeechStarted(1), *[CAPTURED] * 4, SpeechStopped(1))
        assert self.state is State.THINKING
        return self

    def speaking(self) -> "Playbook":
        self.thinking().on(ReplyStarted(1, "r1"), ReplyAudio(1, "r1", pcm(400, 7)), Sounded("r1"))
        assert self.state is State.SPEAKING
        return self

    def lingering(self) -> "Playbook":
        self.speaking().on(ReplyEnded(1, "r1", "completed"), Finished("r1", 400))
        assert self.state is State.LINGERING
        return self


DECAY_MS = 250.0
WOKE = Woke("hey_jarvis", 0.9, pcm(2000, 2), detected_at=100.0)
CAPTURED = Captured(pcm(80, 3), voiced_ms=60)
SILENCE = Captured(pcm(80, 0), voiced_ms=0)
