"""The lines and buses of lamps, buttons, mute switch and outputs: all are taken, as by the appliance, and left."""

from antiphon.app import open_board, open_outputs
from antiphon.checkup.finding import Finding
from antiphon.conversation.events import ButtonMoved, SwitchMoved
from antiphon.ports import LogLevel
from antiphon.settings import Settings

_HELD = "if the appliance runs, it holds its lines: sudo systemctl stop antiphon, and try again"


def check_gpio(settings: Settings) -> Finding:
    """Take what lamps and hands need, and give it back; where the mute switch is."""
    wanted = _wanted(settings)
    if not wanted:
        return Finding("gpio", "ok", "no lamp, button, switch or output is set to a pin")
    complaints = _Complaints()
    moved: list[ButtonMoved | SwitchMoved] = []
    lamps, buttons = open_board(settings, complaints)
    try:
        complaints.sentences += [str(error) for error in buttons.open(moved.append)]
        if settings.tools.switches:
            open_outputs(settings.tools, complaints).close()
    finally:
        buttons.close()
        lamps.close()
    switch = [event for event in moved if isinstance(event, SwitchMoved)]
    complaints.sentences += [event.problem.sentence for event in switch if event.problem is not None]
    if complaints.sentences:
        return Finding("gpio", "fail", ". ".join(dict.fromkeys(complaints.sentences)), _HELD)
    says = f"{', '.join(wanted)} can be used"
    if any(event.muted for event in switch):
        return Finding("gpio", "warn", f"{says}, and the mute switch says muted", "put it over, or it hears nothing")
    return Finding("gpio", "ok", says)


def _wanted(settings: Settings) -> list[str]:
    """What is taken: lines and buses, as the owner calls them."""
    lamps, hands = settings.lamps, settings.buttons
    pins = [*lamps.pins] if lamps.kind in ("gpio", "rgb") else []
    pins += [lamps.power_pin] if lamps.kind not in ("none", "terminal") and lamps.power_pin is not None else []
    buttons = (hands.talk, hands.mute, hands.volume_up, hands.volume_down, hands.mute_switch)
    pins += [pin for pin in buttons if pin is not None]
    pins += [switch.pin for switch in settings.tools.switches]
    bus = [f"/dev/spidev{lamps.spi}"] if lamps.kind in ("apa102", "ws2812") else []
    return bus + ([f"pins {', '.join(map(str, pins))}"] if pins else [])


class _Complaints:
    """A Log that keeps the sentences."""

    def __init__(self) -> None:
        self.sentences: list[str] = []

    def write(self, level: LogLevel, what: str, **fields: str | float) -> None:  # noqa: ARG002 - ports.Log has them
        """Keep the sentence of this line."""
        if "sentence" in fields:
            self.sentences.append(str(fields["sentence"]))
