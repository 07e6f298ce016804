"""The microWakeWord models, through pymicro-wakeword: lighter than openWakeWord, with models free for any use.

It scores; what a score means is decided above. https://github.com/kahrendt/microWakeWord
"""

import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from pymicro_wakeword import MicroWakeWord, MicroWakeWordFeatures

from antiphon.devices.wake_models import check_distinct, check_flatbuffer, check_readable, find_model, packaged_models
from antiphon.errors import ModelError
from antiphon.pcm import Samples, bytes_of
from antiphon.ports import WakeEngine

_TRIAL_S = 30.0
_TRIAL = """
import sys
from pymicro_wakeword import MicroWakeWord, MicroWakeWordFeatures
word = MicroWakeWord.from_config(sys.argv[1])
for features in MicroWakeWordFeatures().process_streaming(bytes(32000)):
    word.process_streaming_prob(features)
"""


def builtin_models() -> dict[str, Path]:
    """The words that are installed, each with its description. Raises ModelError when their package is missing."""
    files = packaged_models("pymicro_wakeword").glob("*.json")
    return {file.stem: file for file in sorted(files)}


def open_engine(models: Sequence[str]) -> WakeEngine:
    """An engine for `models`: names of builtin_models(), or paths of own .tflite files, each with its .json beside it.

    A word is called as its file. Raises ModelError, in one sentence, for whatever cannot be used.
    """
    builtin = builtin_models()
    files = [find_model(model, builtin, (".tflite", ".json")).with_suffix(".json") for model in models]
    check_distinct([file.stem for file in files])
    for file in files:
        _check(file)
        if file not in builtin.values():
            _try(file)
    return MicroWakeWordEngine([(file.stem, MicroWakeWord.from_config(file)) for file in files])


class MicroWakeWordEngine:
    """A ports.WakeEngine. One thread at a time may use it."""

    def __init__(self, models: Sequence[tuple[str, MicroWakeWord]]) -> None:
        """Use open_engine()."""
        self.words: Sequence[str] = [name for name, _ in models]
        self._models = [model for _, model in models]
        self._features = MicroWakeWordFeatures()
        self._start()

    def default_threshold(self, word: str) -> float:
        """The threshold that the makers of the model of `word` chose: `probability_cutoff` of its description."""
        return float(self._models[self.words.index(word)].probability_cutoff)

    def hear(self, samples: Samples) -> list[list[float]]:
        """Take 16 kHz samples of any length; one row (one score a word) for each 30 ms, or as the models step.

        A score is the mean of the model's last few, and 0 until there are so many.
        """
        rows = []
        for features in self._features.process_streaming(bytes_of(samples)):
            self._count += 1
            stepped = False
            for at, model in enumerate(self._models):
                score = model.process_streaming_prob(features)
                # Between two steps the model only collects, and its answer means nothing.
                if self._count % model.stride == 0:
                    assert score is not None  # only a closed model gives none
                    self._scores[at] = score
                    stepped = True
            if stepped:
                rows.append(list(self._scores))
        return rows

    def forget(self) -> None:
        """Start as if nothing had been heard; the models are loaded anew, as their state is inside them."""
        self._features.reset()
        for model in self._models:
            model.reset()
        self._start()

    def _start(self) -> None:
        self._count = 0
        self._scores = [0.0] * len(self._models)


def _check(file: Path) -> None:
    """Raises ModelError unless `file` describes a model that is there."""
    check_readable(file)
    try:
        described = json.loads(file.read_text("utf-8"))
        model, micro = file.parent / described["model"], described["micro"]
        cutoff, window = float(micro["probability_cutoff"]), int(micro["sliding_window_size"])
        complete = isinstance(described["wake_word"], str) and 0 < cutoff < 1 and window > 0
    except (ValueError, KeyError, TypeError):
        complete = False
    if not complete:
        raise ModelError(
            f"wake word model {file}: this is not a description of a microWakeWord model (JSON with wake_word, model, "
            "and micro.probability_cutoff and micro.sliding_window_size); fetch it again"
        )
    check_flatbuffer(model)


def _try(file: Path) -> None:
    """Raises ModelError unless the model runs. The library crashes on a damaged file: let a child process find out."""
    command = [sys.executable, "-I", "-c", _TRIAL, str(file.resolve())]
    try:
        # The program is this Python, the script is above, and no shell reads the path.
        done = subprocess.run(command, capture_output=True, timeout=_TRIAL_S, check=False)  # noqa: S603
        runs = done.returncode == 0
    except subprocess.TimeoutExpired:
        runs = False
    if not runs:
        raise ModelError(
            f"wake word model {file}: its .tflite does not run as a microWakeWord model; fetch it again, "
            "or choose the engine it was made for"
        )
