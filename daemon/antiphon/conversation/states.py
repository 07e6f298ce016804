"""The states, and the table of allowed moves: the whole machine on a page. Tests walk it, docs draw it."""

from enum import Enum


class State(Enum):
    """Where a conversation is."""

    ASLEEP = "asleep"
    """Listening for wake words only; nothing leaves the device."""
    OPENING = "opening"
    """Someone speaks; the call is not open yet; speech is kept."""
    LISTENING = "listening"
    """The call is open and takes the user's speech."""
    THINKING = "thinking"
    """The turn is over; no sample of the reply is audible yet, or a tool runs that it has called."""
    SPEAKING = "speaking"
    """The reply, or an announcement, can be heard."""
    DOUBTING = "doubting"
    """The reply is held: somebody seems to speak over it."""
    LINGERING = "lingering"
    """The reply is over; a follow-up needs no wake word."""
    SORRY = "sorry"
    """Something failed; it is shown, then sleep."""
    DEAF = "deaf"
    """Muted: the capture stream is closed."""


AT_REST = frozenset({State.ASLEEP, State.DEAF})
"""The states that may last for ever; every other has a deadline."""

MOVES: dict[State, dict[State, str]] = {
    State.ASLEEP: {
        State.OPENING: "wake word or talk, no call open",
        State.LISTENING: "wake word or talk, call open",
        State.SPEAKING: "an announcement is audible",
        State.SORRY: "the microphone or an announcement failed",
        State.DEAF: "mute",
    },
    State.OPENING: {
        State.LISTENING: "call opened",
        State.SORRY: "no link can be opened, or in time",
        State.ASLEEP: "given up by the user",
        State.DEAF: "mute",
    },
    State.LISTENING: {
        State.THINKING: "turn over",
        State.OPENING: "call lost, the next gets the speech",
        State.ASLEEP: "nothing said, or given up",
        State.SORRY: "call failed",
        State.DEAF: "mute",
    },
    State.THINKING: {
        State.SPEAKING: "first sample audible",
        State.LISTENING: "the user goes on, or the turn was only the wake word",
        State.LINGERING: "the reply has no sound",
        State.OPENING: "call lost or no answer, the next gets the speech",
        State.ASLEEP: "no speech found, or given up",
        State.SORRY: "no reply, or call failed",
        State.DEAF: "mute",
    },
    State.SPEAKING: {
        State.LINGERING: "last sample heard",
        State.DOUBTING: "somebody seems to speak over it",
        State.THINKING: "a tool runs, or its answer is awaited",
        State.LISTENING: "interrupted by wake word or talk",
        State.OPENING: "interrupted, and the call is gone",
        State.ASLEEP: "given up, or no follow-up wanted",
        State.SORRY: "the reply broke off",
        State.DEAF: "mute",
    },
    State.DOUBTING: {
        State.SPEAKING: "it was nothing, and the reply goes on",
        State.LISTENING: "interrupted",
        State.OPENING: "interrupted, and the call is gone",
        State.THINKING: "a tool runs, or its answer is awaited",
        State.LINGERING: "last sample heard",
        State.ASLEEP: "given up, or no follow-up wanted",
        State.SORRY: "the reply broke off",
        State.DEAF: "mute",
    },
    State.LINGERING: {
        State.LISTENING: "follow-up, wake word or talk",
        State.OPENING: "call lost as somebody speaks",
        State.SPEAKING: "an announcement is audible",
        State.ASLEEP: "no follow-up, or the call is gone",
        State.SORRY: "the microphone or an announcement failed",
        State.DEAF: "mute",
    },
    State.SORRY: {
        State.ASLEEP: "shown long enough",
        State.OPENING: "wake word or talk, no call open",
        State.LISTENING: "wake word or talk, call open",
        State.DEAF: "mute",
    },
    State.DEAF: {
        State.ASLEEP: "unmute, and the capture stream is open again",
    },
}


def mermaid() -> str:
    """The table as a Mermaid state diagram."""
    lines = ["stateDiagram-v2", "    [*] --> ASLEEP"]
    lines += [f"    {start.name} --> {end.name}: {why}" for start, ends in MOVES.items() for end, why in ends.items()]
    return "\n".join(lines) + "\n"
