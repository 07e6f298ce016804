"""The HTTP services of the simulated StepFun, put together: who answers which path, and what each was granted."""

import asyncio

from antiphon.simulator.journal import Journal
from antiphon.simulator.speech import Synthesise
from antiphon.simulator.stepfun.asr_server import RecognitionServer
from antiphon.simulator.stepfun.chat_server import ChatServer
from antiphon.simulator.stepfun.desk import Desk
from antiphon.simulator.stepfun.front import Front
from antiphon.simulator.stepfun.options import SimulatorOptions
from antiphon.simulator.stepfun.tts_server import SpeechServer


class HttpServices:
    """All of them, behind one front."""

    def __init__(self, options: SimulatorOptions, synthesise: Synthesise, journal: Journal) -> None:
        """Nothing runs before the first connection."""
        over = asyncio.Event()
        self.front = Front(over)

        def desk(service: str) -> Desk:
            return Desk(service, options, synthesise, journal, over)

        at = desk("speech")
        self.speech = SpeechServer(at)
        self.front.serve(at, {"POST /audio/speech": self.speech.answer})
        at = desk("chat")
        self.chat = ChatServer(at)
        self.front.serve(at, {"POST /chat/completions": self.chat.answer})
        at = desk("asr")
        self.recognition = RecognitionServer(at)
        self.front.serve(at, {"POST /audio/asr/sse": self.recognition.answer})
