"""The page of a board, as Markdown for a browser and as plain text for a terminal: all of it from the board's file."""

from collections.abc import Iterator, Sequence

from antiphon.settings.boards import Board
from antiphon.settings.header import LINES, pin_name
from antiphon.settings.loading import Loaded
from antiphon.settings.pages import written
from antiphon.settings.sections import lines_in_use

PLUG = "Nothing is wired: plug it onto the header of a Pi without power. These are the pins that it uses."
JOIN = (
    "A pin of the header takes one plug, and legs of parts take none: [how they are joined](README.md#joining-wires), "
    "on a breadboard or with solder."
)
ENDS = "Ctrl-C ends it. Where the appliance runs already, `sudo systemctl stop antiphon` before"
NOTE = "<!-- Made by `make boards` from boards/{}.yaml: change that file, not this one. -->"


def page(name: str, loaded: Loaded) -> str:
    """The Markdown of hardware/NAME.md. `loaded` are the settings with nothing but the board's over the defaults."""
    board = _board_of(loaded)
    parts = [
        [f"# {board.title}", "", NOTE.format(name), "", board.about.strip(), "", f"**Tried:** {board.tried}."],
        ["```yaml", f"board: {name}    # in /etc/antiphon/antiphon.yaml", "```"],
        _section("Parts", _table(("what", "how many", ""), _parts(board))),
        _section("Wires", [*_how(board), *_drawn(name, board), *_table(WIRE_HEAD, _wires(board))]),
        _section("Lines", _table(LINE_HEAD, _lines(loaded))),
        _section("In /boot/firmware/config.txt", ["```ini", *board.overlays, "```"] if board.overlays else []),
        _section("Sound", _bullets(board.sound)),
        _section("What it sets", ["```yaml", *_settings(loaded), "```"] if _settings(loaded) else []),
        _section("See that it works", _steps([*board.test, *_trial(name, loaded)])),
        _section("Good to know", _bullets(board.notes)),
    ]
    return "\n\n".join("\n".join(part) for part in parts if part) + "\n"


def essentials(name: str, loaded: Loaded) -> str:
    """What `antiphon boards NAME` prints: wires, lines, config.txt, settings."""
    board = _board_of(loaded)
    blocks = [
        [f"{name}: {board.title}", f"tried: {board.tried}"],
        [PLUG] if board.hat else [],
        _plain(WIRE_HEAD, _wires(board)),
        _plain(LINE_HEAD, _lines(loaded)),
        ["/boot/firmware/config.txt:", *(f"  {line}" for line in board.overlays)] if board.overlays else [],
        ["It sets:", *(f"  {line}" for line in _settings(loaded))] if _settings(loaded) else [],
    ]
    return "\n\n".join("\n".join(block) for block in blocks if block) + "\n"


WIRE_HEAD = ("from", "is", "through", "to")
LINE_HEAD = ("GPIO", "pin", "is used for", "as said by")


def _board_of(loaded: Loaded) -> Board:
    assert loaded.board is not None, "a page is of a board"
    return loaded.board


def _how(board: Board) -> list[str]:
    """How what is wired is held together."""
    if board.hat:
        return [PLUG, ""]
    return [JOIN, ""] if any(wire.pin is not None for wire in board.wiring) else []


def _drawn(name: str, board: Board) -> list[str]:
    return [f"![{_alt(board)}](wiring/{name}.svg)", ""] if board.wiring else []


def _trial(name: str, loaded: Loaded) -> list[str]:
    """How to try lamps and buttons of the header, where it has any."""
    lamps, buttons = loaded.settings.lamps, loaded.settings.buttons
    each = "it then shows the faces"
    seen = {
        "gpio": [f"each LED is lit in turn; {each}" if len(lamps.pins) > 1 else f"the LED is lit; {each}"],
        "rgb": [f"the LED is red, green and blue; {each}"],
        "apa102": [f"all {lamps.leds} LEDs are red, green and blue, then one after the other white; {each}"],
        "ws2812": [f"all {lamps.leds} LEDs are red, green and blue, then one after the other white; {each}"],
    }.get(lamps.kind, [])
    hands = [_purpose(key) for key, _ in lines_in_use(lamps, buttons) if key.startswith("buttons.")]
    told = [f"every press of {' and '.join(hands)} is told"] if hands else []
    if not seen and not told:
        return []
    return [
        f"`antiphon wiring --set board={name}`, which needs neither key nor sound: {', and '.join(seen + told)}. {ENDS}"
    ]


def _alt(board: Board) -> str:
    return f"{board.title}: the header, with a wire to each part; the table below says the same"


def _parts(board: Board) -> list[tuple[str, ...]]:
    return [(part.what, str(part.count), part.note) for part in board.parts]


def _wires(board: Board) -> list[tuple[str, ...]]:
    rows: list[tuple[str, ...]] = []
    for wire in board.wiring:
        start = f"pin {wire.pin}" if wire.pin is not None else wire.port or wire.start or ""
        rows.append((start, pin_name(wire.pin) if wire.pin is not None else "", wire.via, wire.to))
    return rows


def _lines(loaded: Loaded) -> list[tuple[str, ...]]:
    """By line, every use of it."""
    uses = [(line, what, "takes") for line, what in _board_of(loaded).taken.items()]
    settings = loaded.settings
    in_use = lines_in_use(settings.lamps, settings.buttons, settings.tools.switches)
    uses += [(line, _purpose(key), key) for key, line in in_use]
    return [(str(line), str(LINES[line]), what, f"`{key}`") for line, what, key in sorted(uses)]


def _purpose(key: str) -> str:
    section, _, name = key.partition(".")
    if section == "buttons":
        return name.replace("_", " ") + ("" if name == "mute_switch" else " button")
    if section == "tools":
        return "switched output"
    return {"spi": "lamps, with the whole SPI bus", "power_pin": "power of the lamps"}.get(name, "lamp")


def _settings(loaded: Loaded) -> list[str]:
    """What the board sets, as YAML."""
    tree = loaded.settings.model_dump(mode="json")
    lines: list[str] = []
    for key in [key for key, origin in loaded.origins.items() if origin != "default"]:
        section, _, name = key.partition(".")
        if f"{section}:" not in lines:
            lines.append(f"{section}:")
        lines.append(f"  {name}: {written(tree[section][name])}")
    return lines


def _section(title: str, lines: list[str]) -> list[str]:
    return [f"## {title}", "", *lines] if lines else []


def _bullets(texts: Sequence[str]) -> list[str]:
    return [f"- {text}" for text in texts]


def _steps(texts: Sequence[str]) -> list[str]:
    return [f"{number}. {text}" for number, text in enumerate(texts, start=1)]


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    if not rows:
        return []
    lines = [head, ["---"] * len(head), *rows]
    return ["| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines]


def _plain(head: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """The same table for a terminal."""
    if not rows:
        return []
    lines = [head, *([cell.replace("`", "") for cell in row] for row in rows)]
    wide = [max(len(line[column]) for line in lines) for column in range(len(head))]
    return list(_padded(lines, wide))


def _padded(lines: Sequence[Sequence[str]], wide: Sequence[int]) -> Iterator[str]:
    for line in lines:
        yield "  ".join(cell.ljust(width) for cell, width in zip(line, wide, strict=True)).rstrip()
