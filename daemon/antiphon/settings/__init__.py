"""Floor 1. Everything the owner can set: what there is to set, how it is read, and how it is shown. It opens no file.

sections.py holds the keys and their defaults, boards.py what a board file says, header.py what a pin is, patterns.py
which regular expressions end in time; layers.py lays texts over each other and remembers who said what; wording.py
turns what does not fit into sentences; loading.py puts these together; idle.py finds what is set in vain; pages.py
writes settings out.
"""

from antiphon.settings.boards import Board, chosen_board, read_board
from antiphon.settings.idle import idle
from antiphon.settings.layers import BoardLayer, Layer, Typed
from antiphon.settings.loading import Loaded, load
from antiphon.settings.pages import default_yaml, effective, effective_dict, json_schema
from antiphon.settings.sections import (
    Buttons,
    Cascade,
    Chat,
    Command,
    Control,
    Endpointing,
    Generate,
    Lamps,
    LinkKind,
    Log,
    McpServer,
    Microphone,
    Realtime,
    Settings,
    Speaker,
    Speech,
    Switch,
    Tools,
    Wake,
    WakeWord,
    is_loopback,
)

__all__ = [
    "Board",
    "BoardLayer",
    "Buttons",
    "Cascade",
    "Chat",
    "Command",
    "Control",
    "Endpointing",
    "Generate",
    "Lamps",
    "Layer",
    "LinkKind",
    "Loaded",
    "Log",
    "McpServer",
    "Microphone",
    "Realtime",
    "Settings",
    "Speaker",
    "Speech",
    "Switch",
    "Tools",
    "Typed",
    "Wake",
    "WakeWord",
    "chosen_board",
    "default_yaml",
    "effective",
    "effective_dict",
    "idle",
    "is_loopback",
    "json_schema",
    "load",
    "read_board",
]
