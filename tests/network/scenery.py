"""What the scenes share: daemon and doctor on the lab's device, StepFun's service in its cloud behind TLS."""

import json
import os
from contextlib import contextmanager
from dataclasses import dataclass, field

from antiphon.pcm import LINK_RATE_HZ, WAKE_RATE_HZ
from antiphon.simulator.room import Room
from antiphon.simulator.speech import synthesise
from antiphon.simulator.voxserve.options import VoxServeOptions
from antiphon.staging import KEY, Actor, Stage
from appliance.scenery import QUESTION, WAKE, BusyMachineError, ends_well, let_pass, places_of, played, take_turn
from network.lab import CLOUD, LAN_V4, TLS, lab
from verbs import environment

SETTINGS = (
    f"realtime.url=wss://{CLOUD}/v1/realtime",
    "realtime.ping_interval_s=0.5",
    "realtime.ping_timeout_s=1.0",
    "realtime.open_timeout_ms=2000",
    "conversation.follow_up_ms=0",
    "conversation.sorry_ms=200",
    "speaker.block_ms=80",  # a busy machine interrupts no reply
)
TRUST = {"SSL_CERT_FILE": str(TLS / "cloud.pem")}
TLS_PORT = 443
PATIENCE_S = 90.0
LAN_PORT = 8000
LAN_URL = f"http://{LAN_V4}:{LAN_PORT}"
LAN_LINK = f"generate {LAN_V4}:{LAN_PORT}"
LAN_REPLY = "Of course."


class LabStage(Stage):
    """A Stage whose daemon runs on the lab's device, and whose service runs in its cloud."""

    def __init__(self, network, *, environ, **more):
        super().__init__(program=network.device.program("-m", "antiphon"), environ={**TRUST, **environ}, **more)
        self.lab = network

    def start_service(self, stack, port=0):
        """Behind TLS, at the port that the daemon's settings name."""
        arguments = ["simulate", "--port", str(port), "--keep", str(self.kept), *(self._simulate or ())]
        program = self.lab.cloud.program("-m", "antiphon")
        self.service = Actor("service", arguments, self._child_environ(), program)
        stack.callback(self.service.stop)
        served = self.service.wait_for("listening")["url"].partition("127.0.0.1:")[2].partition("/")[0]
        self.tls = self.lab.actor(self.lab.cloud, "tls", "tls", str(TLS_PORT), str(TLS / "cloud.pem"), served)

    def start_lan(self, stack, port=LAN_PORT):
        """On the LAN, at the address that the daemon's settings name."""
        arguments = ["simulate", "voxserve", "--host", LAN_V4, "--port", str(port), "--keep", str(self._lan_kept)]
        program = self.lab.lan.program("-m", "antiphon")
        self.lan = Actor("LAN server", [*arguments, *self._lan], self._child_environ(), program)
        stack.callback(self.lan.stop)
        self.lan.wait_for("listening")


@dataclass
class Scene:
    """A daemon with an open call, and what may be asked of it."""

    lab: object
    stage: LabStage
    settings: tuple
    environ: dict = field(default_factory=dict)

    @property
    def daemon(self):
        return self.stage.daemon

    # ── what happens ──

    def ends_well(self):
        """See appliance.scenery."""
        return ends_well(self.stage)

    def speak(self, question=QUESTION):
        """Somebody says the wake word and a question."""
        return self.stage.speak(WAKE, question)

    def let_pass(self, spoken):
        """Until all of it has been said, and a wake word may be heard again."""
        let_pass(self.stage, spoken)

    def take_turn(self):
        """A whole turn: it is answered, and heard."""
        return take_turn(self.stage)

    def hang_up(self):
        """The cloud ends every call, as it does now and then."""
        self.stage.tls.tell("hang up")

    # ── what is told ──

    def questions(self):
        """What the LAN server was asked aloud, so not the trials: the numbers of the requests."""
        return [line["request"] for line in self.stage.lan.said("request") if line["audio_s"]]

    def asked_whole(self, spoken):
        """The one question to the LAN server holds all that was said, to the sample; and its answer was heard."""
        [request] = self.questions()
        verdict = self.stage.verdict(spoken, self.stage.asked(request), WAKE_RATE_HZ)
        sound = synthesise(LAN_REPLY, VoxServeOptions().voice, LINK_RATE_HZ)
        assert len(places_of(sound, played(self.stage))) == 1
        assert verdict.first_frame <= spoken.first_frame, str(verdict)
        assert verdict.last_frame >= spoken.last_frame, str(verdict)
        return verdict.whole

    def doctor(self):
        """Exit status, and the findings by check."""
        wanted = [word for one in self.settings for word in ("--set", one)]
        environ = environment(self.stage.room, STEPFUN_API_KEY=KEY, **TRUST, **self.environ)
        ended = self.lab.device.antiphon("doctor", "--config", os.devnull, "--json", *wanted, environ=environ)
        assert ended.stdout, ended.stderr
        told = json.loads(ended.stdout)
        assert told["ok"] is (ended.returncode == 0)
        return ended.returncode, {finding["check"]: finding for finding in told["findings"]}

    def failing(self):
        """What the doctor finds wrong: exit 1, and each failure by its check, with its remedy."""
        code, found = self.doctor()
        failed = {check: finding for check, finding in found.items() if finding["verdict"] == "fail"}
        assert code == (1 if failed else 0), found
        assert all(finding["remedy"] for finding in failed.values()), failed
        return failed


@contextmanager
def at_home(*settings, environ=None, room=None, replies=("Yes.",), lan=None):
    """A Scene; `lan` are arguments of a server on the LAN, None for none. Nothing need be open yet."""
    wanted = (*SETTINGS, *([] if lan is None else [f"generate.urls=[{LAN_URL}]"]), *settings)
    quick = ["--quick", *(word for reply in replies for word in ("--reply", reply))]
    room = room or Room()
    with lab() as network:
        stage = LabStage(
            network,
            environ=environ or {},
            room=room,
            settings=wanted,
            simulate=quick,
            lan=None if lan is None else ["--quick", "--reply", LAN_REPLY, *lan],
            code_s=300.0,
        )
        with stage:
            try:
                yield Scene(network, stage, wanted, environ or {})
            except Exception as error:
                if room.overflows or room.underflows:
                    raise BusyMachineError(f"{room.overflows} overflows, {room.underflows} underflows") from error
                raise
