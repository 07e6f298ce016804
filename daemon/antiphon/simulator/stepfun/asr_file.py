"""Recognition of a file at an address, POST /audio/asr/file/submit and /query: what may be asked, and the jobs. Pure.

Nothing is fetched: what such a file says is `transcripts`, and nothing for want of them.
Source: StepFun's API reference ("ASR file").
"""

import random
from dataclasses import dataclass
from typing import Any

from antiphon.simulator.stepfun.handshake import Refusal
from antiphon.simulator.stepfun.judging import WrongError, fields, flag, known, shaped, text, whole
from antiphon.simulator.stepfun.options import SimulatorOptions

MODELS = frozenset({"step-asr-1.1"})
KINDS = ("ogg", "mp3", "wav", "pcm")


@dataclass(frozen=True, slots=True)
class Job:
    """A file that is to be recognised."""

    task: str
    url: str
    kind: str
    model: str
    utterances: bool


class Jobs:
    """Those that were submitted. Every request's key is in order."""

    def __init__(self, options: SimulatorOptions, rng: random.Random) -> None:
        """`rng` makes ids."""
        self._options, self._rng = options, rng
        self._asked: set[str] = set()
        self.submitted: list[Job] = []

    def submit(self, body: bytes) -> dict[str, Any] | Refusal:
        """Begin a job. Raises WrongError."""
        told = shaped(fields(body), "body", "audio request")
        audio = shaped(told["audio"], "audio", "url format", "rate bits channel")
        request = shaped(told["request"], "request", "model_name", "show_utterances")
        if not known(request["model_name"], MODELS):
            return Refusal(400)
        url = text(audio["url"], "audio.url")
        if not url.startswith(("http://", "https://")):
            raise WrongError("audio.url is not valid")
        if audio["format"] not in KINDS:
            raise WrongError(f"audio.format is one of {', '.join(KINDS)}")
        for name in ("rate", "bits", "channel"):
            whole(audio.get(name, 1), f"audio.{name}")
        shown = flag(request.get("show_utterances", False), "request.show_utterances")
        job = Job(f"task-{self._rng.randrange(16**12):012x}", url, audio["format"], request["model_name"], shown)
        self.submitted.append(job)
        return {"task_id": job.task}

    def query(self, body: bytes) -> dict[str, Any]:
        """How far a job is: the first time it still runs. Raises WrongError."""
        task = text(shaped(fields(body), "body", "task_id")["task_id"], "task_id")
        number = next((at for at, job in enumerate(self.submitted) if job.task == task), None)
        if number is None:
            raise WrongError("task_id is not valid")
        if task not in self._asked:
            self._asked.add(task)
            return {"status": "RUNNING"}
        said = self._options.transcripts[number] if number < len(self._options.transcripts) else ""
        result: dict[str, Any] = {"text": said}
        if self.submitted[number].utterances:
            result["utterances"] = [{"text": said, "start_time": 0, "end_time": 1000, "words": []}]
        return {"duration": 1.0, "result": [result]}
