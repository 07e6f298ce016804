"""The judge of a world: what must hold in every turn, whatever fails. It sees what the room hears and services get.

A turn is answered by one reply, or a failure is admitted; whoever answers has heard all of it, from its first sample to
its last, exactly once and in order. While any link is well and was known to work, it is answered by one that is, and by
the first of them in the owner's order. Nobody who is well is given up. A link that is known to be down is not waited
for while another may be asked; a slow or a dead one no longer than the manners say.
"""

from dataclasses import dataclass, field
from typing import Literal

from antiphon.calls import LinkPlan
from antiphon.conversation.manners import Manners
from antiphon.conversation.states import State
from conversation.services import Call, Said

Kind = Literal["word", "talk", "follow-up", "cough", "barge-in"]
Known = Literal["up", "down", "either"]
"""What the mind should know of a link; a call that dies of old age at rest tells nothing certain."""

SOUNDING = (State.SPEAKING, State.DOUBTING)
IN_TURN = (State.OPENING, State.LISTENING, State.THINKING, *SOUNDING)
_OLD_S = 60.0
_RECOVERY_S = 150.0
"""After so long a rest every link that is well must be known to be: the longest patience is 120 s."""
_LITTLE_MS = 700  # the mind's limit, and a block that came with the wake word
_ROOM_S = 0.15  # two blocks of the ear, or a word on its way


@dataclass(eq=False)
class Turn:
    """Something that somebody says, and what comes of it."""

    number: int
    kind: Kind
    first: int
    """The grain at which it begins."""
    end: int
    """The grain after its last."""
    began_s: float
    over_s: float
    sick: set[str] = field(default_factory=set)
    """Links that were not well, at its beginning or since."""
    known: dict[str, Known] = field(default_factory=dict)
    fresh: bool = True
    """The device was asleep: the owner's order holds. Else the conversation stays where it is."""
    in_use: str | None = None
    """The link whose call is open as it begins."""
    heard: list[Said] = field(default_factory=list)
    sorries: int = 0
    excused: str = ""
    """Why nobody has to answer it: it was interrupted, begun anew, given up, muted, or nobody could know of it."""
    voice_ms: int = 10_000
    """Of what he said after the wake word."""
    ran: bool = False
    """A tool was run for it: it must not be asked anywhere else, whoever fails."""
    noticed: bool = False
    """The ear has said that somebody speaks; or the word or the button has."""

    def __str__(self) -> str:
        heard = [f"{said.id} by {said.link}" for said in self.heard]
        return (
            f"turn {self.number} ({self.kind}, grains {self.first} to {self.end}, {self.began_s:.2f} s on; in use"
            f" {self.in_use}, known {self.known}, sick {sorted(self.sick)}, heard {heard}, {self.sorries} sorry)"
        )


class Judge:
    """Knows the owner's list and the manners; `wrong` grows by a sentence for each rule that is broken."""

    def __init__(self, plans: list[LinkPlan], manners: Manners) -> None:
        self._plans = plans
        self._switch_s = manners.switch_ms / 1000 + _ROOM_S
        self._silence_s = manners.link_silence_ms / 1000 * 1.25 + _ROOM_S
        self.known: dict[str, Known] = {plan.name: "up" for plan in plans}
        self.wrong: list[str] = []
        self._asked: set[str] = set()  # in this turn
        self._opening: tuple[int, float] | None = None  # a call that somebody waits for, and since when
        self._dead: tuple[int, float] | None = None  # likewise one that is open and half dead
        self._unasked_s: float | None = None  # since when a turn is over that is ours to end

    def rule(self, kept: bool, sentence: str, turn: Turn | None) -> None:
        if not kept:
            self.wrong.append(f"{sentence}: {turn}")

    # ── what is known of links ───────────────────────────────────────────────────────────────────

    def opened(self, link: str) -> None:
        self.known[link] = "up"

    def failed(self, link: str, call: Call, state: State, now: float, *, serves: bool) -> None:
        """`call` is over, and nobody asked for it; `serves`: another call of this link is open."""
        old = call.opened_s and now - call.opened_s >= _OLD_S
        self.known[link] = "either" if serves or (old and state not in IN_TURN) else "down"

    def given_up(self, link: str, turn: Turn | None) -> None:
        """The mind has turned away from a call that a turn needs."""
        well = turn is not None and link not in turn.sick and self.known[link] == "up"
        if turn is not None and turn.kind == "cough" and link != turn.in_use:
            well = False  # it was handed what another took for speech, and cannot know that it was none
        self.rule(not well, f"{link} is well, and was given up", turn)
        self.known[link] = "down"

    # ── while it goes on ─────────────────────────────────────────────────────────────────────────

    def meet(self, turn: Turn, state: State, in_use: str | None, rested_s: float, *, anew: bool = False) -> None:
        """The mind learns of a turn, in `state`, with a call of the link `in_use` open, after so long a rest.

        A question that is begun anew while it is said begins as from sleep: the call that holds its half is of no use.
        """
        if rested_s > _RECOVERY_S and len(self._plans) > 1:
            forgotten = [name for name, known in self.known.items() if known == "down" and name not in turn.sick]
            self.rule(not forgotten, f"{forgotten} were well for {rested_s:.0f} s, and not tried", turn)
        hung_up = anew and state in (State.OPENING, State.LISTENING)
        in_use = None if hung_up else in_use
        turn.known, turn.in_use, turn.fresh = dict(self.known), in_use, hung_up or state is State.ASLEEP
        if not (hung_up and state is State.OPENING):  # whoever was asked in vain is not asked again
            self._asked = {in_use} if in_use else set()
        if in_use is not None and turn.fresh:
            better = self._unasked_up(before=in_use)
            self.rule(not better, f"{in_use} is in use, and {better} comes before it", turn)

    def look(self, turn: Turn, state: State, opening: tuple[str, int] | None, dead: int | None, now: float) -> None:
        """After everything that happens in a turn: the call that is being opened, or the open one that is half dead."""
        if state is not State.OPENING or opening is None:
            self._opening = None
        else:
            link, number = opening
            if self._opening is None or self._opening[0] != number:
                self._opening = (number, now)
                self._asked.add(link)
                others = self._unasked_up(before=link if self.known[link] == "up" else None)
                self.rule(self.known[link] == "either" or not others, f"{link} is asked, and not {others}", turn)
            waited_s = now - self._opening[1]
            slow = waited_s > self._switch_s and self._unasked_up()
            self.rule(not slow, f"{link} is waited for, {waited_s:.2f} s long", turn)
        waits = state in (State.LISTENING, State.THINKING) and not (turn.heard or turn.sorries)
        if dead is None or not waits or turn.ran or not self._unasked_up():
            self._dead = None
        elif self._dead is None or self._dead[0] != dead:
            self._dead = (dead, now)
        else:
            late = now - self._dead[1] > self._silence_s
            self.rule(not late, f"call {dead} is half dead, and waited for", turn)

    def ended(self, turn: Turn, now: float, *, unasked: bool) -> None:
        """`unasked`: the ear has heard the end of the turn, and the open call, which needs to be told, is not."""
        if not unasked or turn.excused:
            self._unasked_s = None
        elif self._unasked_s is None:
            self._unasked_s = now
        else:
            self.rule(now - self._unasked_s < 2 * _ROOM_S, "the turn is over, and nobody is asked", turn)

    def _unasked_up(self, before: str | None = None) -> list[str]:
        names = [plan.name for plan in self._plans]
        names = names[: names.index(before)] if before else names
        return [name for name in names if self.known[name] == "up" and name not in self._asked]

    # ── when it is over ──────────────────────────────────────────────────────────────────────────

    def judge(self, turn: Turn) -> None:
        """Nothing more can come of it."""
        self.rule(len(turn.heard) <= 1, "several replies were heard", turn)
        for said in turn.heard:
            self._has_all(turn, said)
            all_well = said.whole and said.finished
            self.rule(all_well or bool(turn.excused) or turn.sorries == 1, f"{said.id} broke off, unadmitted", turn)
            self.rule(not said.call.spoiled, f"{said.id} answers what was begun anew as well", turn)
        if turn.excused:
            return
        self.rule(turn.sorries <= 1, "a failure was admitted several times", turn)
        if turn.kind == "cough":
            self._judge_cough(turn)
            return
        if not (turn.heard or turn.sorries) and self._like_a_cough(turn):
            return
        self.rule(bool(turn.heard or turn.sorries), "nobody answered, and nobody was sorry", turn)
        self._judge_order(turn)

    @staticmethod
    def _like_a_cough(turn: Turn) -> bool:
        """So little that the mind believes a service which does not hear it; only one that is deaf does not."""
        return turn.voice_ms < _LITTLE_MS and bool(turn.sick)

    def _judge_order(self, turn: Turn) -> None:
        """The first that is well has answered; or one before it, as well as it could, where it might go on."""
        if turn.ran and not turn.heard and turn.sick:
            return
        order = [plan.name for plan in self._plans]
        if turn.in_use and not turn.fresh:
            order.sort(key=lambda name: name != turn.in_use)
        well = next((name for name in order if name not in turn.sick and turn.known[name] == "up"), None)
        if well is not None:
            by = turn.heard[0].link if turn.heard else "nobody"
            before = by in order[: order.index(well)] and (by in turn.sick or turn.known[by] == "either")
            right = by == well or before
            self.rule(right, f"{by} answered, and {well} is well", turn)

    def _has_all(self, turn: Turn, said: Said) -> None:
        if turn.excused in ("unnoticed", "unheard", "swallowed", "taken for speech"):
            return
        got = [at for at in said.heard if turn.first <= at < turn.end]
        all_of_it = list(range(turn.first, turn.end))
        self.rule(got == all_of_it, f"{said.id} answers {len(got)} grains of {len(all_of_it)}", turn)

    def _judge_cough(self, turn: Turn) -> None:
        """A cloud that is well hears no turn in it, and is not blamed."""
        cloud = next((plan.name for plan in self._plans if not plan.own_turns), None)
        if turn.in_use == cloud and cloud is not None and cloud not in turn.sick:
            self.rule(not turn.heard and not turn.sorries, "a cough was answered", turn)
