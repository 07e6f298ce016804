"""The openWakeWord models in streaming form, on LiteRT with one thread. It scores; what a score means is decided above.

Three models in a row (https://github.com/dscripka/openWakeWord): sound to a mel spectrogram, 760 ms of that to an
embedding (Google's speech_embedding), the last 16 or so embeddings to a word's score. One step is 80 ms. All words
share the first two models, which are nearly all of the work. Scores equal those of the `openwakeword` package fed in
blocks of 80 ms, from the first step on: `make parity`.
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from ai_edge_litert.interpreter import Interpreter

from antiphon.devices.quiet import no_stderr
from antiphon.devices.wake_models import check_distinct, check_flatbuffer, find_model, packaged_models
from antiphon.errors import ModelError
from antiphon.pcm import WAKE_RATE_HZ, Floats, Samples
from antiphon.ports import WakeEngine

STEP_FRAMES = 1280
"""One row of scores for each 80 ms at 16 kHz."""
DEFAULT_THRESHOLD = 0.5
"""What the models' author advises: https://github.com/dscripka/openWakeWord#recommendations-for-usage"""

_CONTEXT_FRAMES = 480  # a mel frame is 512 samples long, 160 apart: 480 of the past are needed to leave no gap
_MELS = 32
_STEP_MELS = STEP_FRAMES // 160
_WINDOW_MELS = 76  # 760 ms of spectrogram for one embedding
_EMBEDDING = 96
_SETTLING_STEPS = 5  # upstream scores the first five steps 0, as its buffers still hold invented sound
_FEATURE_MODELS = ("melspectrogram", "embedding_model")


def builtin_models() -> dict[str, Path]:
    """The words that are installed, each with its file. Raises ModelError when the package of models is missing."""
    files = packaged_models("pyopen_wakeword").glob("*.tflite")
    return {file.stem: file for file in sorted(files) if file.stem not in _FEATURE_MODELS}


def open_engine(models: Sequence[str]) -> WakeEngine:
    """An engine for `models`: names of builtin_models(), or paths of own .tflite files; a word is called as its file.

    Raises ModelError, in one sentence, for whatever cannot be used.
    """
    builtin = builtin_models()
    files = [find_model(model, builtin, (".tflite",)) for model in models]
    check_distinct([file.stem for file in files])
    with no_stderr():  # LiteRT tells that it has made itself ready
        return OpenWakeWordEngine(_Features(packaged_models("pyopen_wakeword")), [_Word(file) for file in files])


class OpenWakeWordEngine:
    """A ports.WakeEngine. One thread at a time may use it."""

    def __init__(self, features: "_Features", words: "Sequence[_Word]") -> None:
        """Use open_engine(). It takes some 30 ms: the history is filled with noise once, and kept for forget()."""
        self.words: Sequence[str] = [word.name for word in words]
        self._features = features
        self._words = words
        self._history = np.zeros((max(word.embeddings for word in words), _EMBEDDING), np.float32)
        self._prime()
        self._primed = self._history.copy()
        self.forget()

    def default_threshold(self, word: str) -> float:
        """The threshold that suits `word` when the owner gives none."""
        assert word in self.words
        return DEFAULT_THRESHOLD

    def hear(self, samples: Samples) -> list[list[float]]:
        """Take 16 kHz samples of any length; one row of scores (one a word, 0 to 1) for each 80 ms completed."""
        rows = []
        while len(samples):
            samples = samples[self._features.take(samples) :]
            if self._features.full:
                rows.append(self._step())
        return rows

    def forget(self) -> None:
        """Start as if nothing had been heard. The next five steps score 0, as upstream's do after its reset."""
        self._features.forget()
        self._history[:] = self._primed
        self._steps = 0

    def _step(self) -> list[float]:
        self._remember(self._features.embedding())
        self._steps += 1
        if self._steps <= _SETTLING_STEPS:
            return [0.0] * len(self._words)
        return [word.score(self._history) for word in self._words]

    def _remember(self, embedding: Floats) -> None:
        self._history[:-1] = self._history[1:]
        self._history[-1] = embedding

    def _prime(self) -> None:
        """Fill the history as upstream does: with the embeddings of four seconds of quiet white noise.

        Upstream draws other noise each time it starts, so its own first 16 scores differ from run to run; here it is
        always the noise of seed 0. Upstream's windows lie at other places than a stream's: skipping seven mel frames
        (1120 samples) brings the two together.
        """
        noise = np.random.RandomState(0).randint(-1000, 1000, 4 * WAKE_RATE_HZ).astype(np.int16)
        for start in range(7 * 160, len(noise) - STEP_FRAMES + 1, STEP_FRAMES):
            self._features.take(noise[start : start + STEP_FRAMES])
            self._remember(self._features.embedding())


class _Features:
    """Sound to embeddings: collects 80 ms, and keeps what of the past the models need."""

    def __init__(self, folder: Path) -> None:
        self._mel, self._embedding = (_open(folder / f"{name}.tflite") for name in _FEATURE_MODELS)
        self._embedding.allocate_tensors()
        self._mel_ports = _ports(self._mel)
        self._embedding_ports = _ports(self._embedding)
        self._sound = np.zeros((1, _CONTEXT_FRAMES + STEP_FRAMES), np.float32)
        self._window = np.zeros((1, _WINDOW_MELS, _MELS, 1), np.float32)
        self.forget()

    def forget(self) -> None:
        """As new. The first step has no past: it is shorter, and upstream begins with a spectrogram of ones."""
        self._filled = 0
        # Who mutes the microphone wants nothing kept, inside the models neither: they hear a silence.
        self._sound.fill(0)
        self._resize(_CONTEXT_FRAMES + STEP_FRAMES)
        self._window.fill(1)
        _run(self._mel, self._mel_ports, self._sound)
        _run(self._embedding, self._embedding_ports, self._window)
        self._resize(STEP_FRAMES)

    @property
    def full(self) -> bool:
        """True when `embedding` must be called before the next `take`."""
        return self._filled == STEP_FRAMES

    def take(self, samples: Samples) -> int:
        """Collect as many of `samples` as the step still lacks; how many that was."""
        start = _CONTEXT_FRAMES + self._filled
        piece = samples[: STEP_FRAMES - self._filled]
        self._sound[0, start : start + len(piece)] = piece
        self._filled += len(piece)
        return len(piece)

    def embedding(self) -> Floats:
        """The embedding of the window that ends with this step, shape (96,); the next step begins."""
        mels = _run(self._mel, self._mel_ports, self._sound[:, -self._frames :]).reshape(-1, _MELS)
        window = self._window[0, :, :, 0]
        window[: -len(mels)] = window[len(mels) :]
        # The model's decibels, brought to the range that the embedding was trained on.
        window[-len(mels) :] = mels / 10 + 2
        self._sound[0, :_CONTEXT_FRAMES] = self._sound[0, -_CONTEXT_FRAMES:]
        self._filled = 0
        if self._frames == STEP_FRAMES:
            self._resize(_CONTEXT_FRAMES + STEP_FRAMES)
        return _run(self._embedding, self._embedding_ports, self._window).reshape(_EMBEDDING)

    def _resize(self, frames: int) -> None:
        """Let the mel model take `frames` samples: about 10 us, twice after each start."""
        self._frames = frames
        self._mel.resize_tensor_input(self._mel_ports[0], [1, frames], strict=True)
        self._mel.allocate_tensors()


class _Word:
    """One word's model: the last embeddings to a score."""

    def __init__(self, file: Path) -> None:
        self.name = file.stem
        self._model = _open(file)
        self._ports = _ports(self._model)
        takes = self._model.get_input_details()[0]
        shape = tuple(int(size) for size in takes["shape"])
        # The input is judged first: LiteRT may crash when it prepares a model for an input it does not have.
        fits = len(shape) == 3 and shape[0] == 1 and shape[1] > 0 and shape[2] == _EMBEDDING
        if not fits or takes["dtype"] is not np.float32 or not self._gives_one_score():
            taken = " x ".join(map(str, shape))
            raise ModelError(
                f"wake word model {file}: this is not an openWakeWord model (it takes {taken}; such a model takes "
                "1 x 16 x 96 and gives one score); train one with openWakeWord, or choose the engine it was made for"
            )
        self.embeddings = shape[1]

    def score(self, history: Floats) -> float:
        """The score, 0 to 1, of `history` (embeddings, oldest first), which is at least as long as the model needs."""
        return float(_run(self._model, self._ports, history[None, -self.embeddings :])[0, 0])

    def _gives_one_score(self) -> bool:
        try:
            self._model.allocate_tensors()
        except RuntimeError:  # operators that do not fit each other
            return False
        gives = self._model.get_output_details()[0]
        return tuple(gives["shape"]) == (1, 1) and gives["dtype"] is np.float32


def _open(file: Path) -> Interpreter:
    """Load a model; the caller allocates its tensors. LiteRT checks that the file is whole."""
    check_flatbuffer(file)
    try:
        return Interpreter(model_path=str(file), num_threads=1)
    except (ValueError, RuntimeError):  # what LiteRT raises for a file that is cut off, or has unknown operators
        raise ModelError(f"wake word model {file}: the file is damaged or too new; fetch it again") from None


def _ports(model: Interpreter) -> tuple[int, int]:
    """Where the model's input and output are."""
    return model.get_input_details()[0]["index"], model.get_output_details()[0]["index"]


def _run(model: Interpreter, ports: tuple[int, int], values: Floats) -> Floats:
    model.set_tensor(ports[0], values)
    model.invoke()
    output: Floats = model.get_tensor(ports[1])
    return output
