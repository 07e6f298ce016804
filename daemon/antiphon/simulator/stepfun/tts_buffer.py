"""The text that the service holds back until a sentence is ready. Pure.

Source: StepFun's API reference ("Streaming TTS", mode). Where it cuts in mode "default" is not published: here after
the mark that ends a sentence, once the next sentence has begun, so that the last one waits for a flush or the end.
"""

import re

from antiphon.simulator.stepfun.tts_stream_grammar import Mode

_WIDE = "。！？"  # noqa: RUF001 (the marks that end a sentence in Chinese)
_END = re.compile(rf"[{_WIDE}!?]+[\"'”’)）]*|\.+[\"'”’)]*(?=\s)")  # noqa: RUF001 (as above)


class TextBuffer:
    """What has come and is not yet spoken."""

    def __init__(self, mode: Mode) -> None:
        """Mode "sentence" lets a sentence go at its mark, "default" when the next one has begun."""
        self._at_mark = mode == "sentence"
        self._held = ""

    def add(self, text: str) -> list[str]:
        """The sentences that `text` makes ready."""
        self._held += text
        ready: list[str] = []
        while (mark := _END.search(self._held)) and (self._at_mark or self._held[mark.end() :].strip()):
            ready.append(self._held[: mark.end()])
            self._held = self._held[mark.end() :]
        return [sentence.strip() for sentence in ready]

    def flush(self) -> list[str]:
        """All that is held, sentence or not."""
        rest, self._held = self._held.strip(), ""
        return [rest] if rest else []
