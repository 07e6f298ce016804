"""The HTTP services of the simulated StepFun, put together: who answers which path, and what each was granted."""

import asyncio

from antiphon.simulator.journal import Journal
from antiphon.simulator.speech import Synthesise
from antiphon.simulator.stepfun.asr_file_server import JobServer
from antiphon.simulator.stepfun.asr_server import RecognitionServer
from antiphon.simulator.stepfun.chat_server import ChatServer
from antiphon.simulator.stepfun.desk import Desk
from antiphon.simulator.stepfun.front import Front
from antiphon.simulator.stepfun.library_server import LibraryServer
from antiphon.simulator.stepfun.options import SimulatorOptions
from antiphon.simulator.stepfun.transcriptions_server import TranscriptionServer
from antiphon.simulator.stepfun.tts_server import SpeechServer


class HttpServices:
    """All of them, behind one front."""

    def __init__(self, options: SimulatorOptions, synthesise: Synthesise, journal: Journal) -> None:
        """Nothing runs before the first connection."""
        over = asyncio.Event()
        desks = {
            name: Desk(name, options, synthesise, journal, over)
            for name in ("speech", "chat", "asr", "transcriptions", "asr-file", "files", "voices")
        }
        self.front = Front(over, options.requests_at_once)
        self.speech = SpeechServer(desks["speech"])
        self.chat = ChatServer(desks["chat"])
        self.recognition = RecognitionServer(desks["asr"])
        self.transcription = TranscriptionServer(desks["transcriptions"])
        self.jobs = JobServer(desks["asr-file"])
        shop = LibraryServer(desks["files"], desks["voices"])
        self.library = shop.library
        routes = {
            "speech": {"POST /audio/speech": self.speech.answer},
            "chat": {"POST /chat/completions": self.chat.answer},
            "asr": {"POST /audio/asr/sse": self.recognition.answer},
            "transcriptions": {"POST /audio/transcriptions": self.transcription.answer},
            "asr-file": {
                "POST /audio/asr/file/submit": self.jobs.submit,
                "POST /audio/asr/file/query": self.jobs.query,
            },
            "files": {"POST /files": shop.upload},
            "voices": {
                "POST /audio/voices": shop.clone,
                "GET /audio/voices": shop.list,
                "POST /audio/voices/preview": shop.preview,
                "GET /audio/system_voices": shop.system,
            },
        }
        for name, desk in desks.items():
            self.front.serve(desk, routes[name])
