"""A PulseAudio of the tests' own: no session, no user's settings, no card; killed, stopped and begun again at will.

The microphone is what is played into a sink that nobody hears; the speaker is another such sink.
"""

import os
import shutil
import signal
import subprocess
import tempfile
import time
from pathlib import Path

from antiphon.pcm import bytes_of

RATE_HZ = 16_000
_PATIENCE_S = 20.0
_SCRIPT = """\
load-module module-native-protocol-unix socket={socket} auth-anonymous=1
load-module module-null-sink sink_name=feed norewinds=1 format=s16le rate={rate_hz} channels=1
load-module module-null-sink sink_name=speaker norewinds=1 format=s16le rate=48000 channels=2
load-module module-remap-source master=feed.monitor source_name=mic remix=no
set-default-sink speaker
set-default-source mic
"""
_ALSA = """\
</usr/share/alsa/alsa.conf>
pcm.mic {{ type pulse server "unix:{socket}" device "mic" }}
pcm.spk {{ type pulse server "unix:{socket}" device "speaker" }}
pcm.!default {{ type asym capture.pcm "mic" playback.pcm "spk" }}
"""


def missing():
    """What is not installed for it, in words; empty when nothing is missing."""
    plugins = list(Path("/usr/lib").glob("*/alsa-lib/libasound_module_pcm_pulse.so"))
    there = {
        "pulseaudio": shutil.which("pulseaudio"),
        "pulseaudio-utils": shutil.which("pacat"),
        "libasound2-plugins": plugins,
    }
    return " ".join(name for name, found in there.items() if not found)


class SoundServer:
    """As a context manager it runs inside, and is gone after."""

    def __enter__(self):
        self._own = tempfile.TemporaryDirectory(prefix="antiphon-pulse-")
        self.folder = Path(self._own.name)
        self.socket = self.folder / "socket"
        (self.folder / "script.pa").write_text(_SCRIPT.format(socket=self.socket, rate_hz=RATE_HZ), encoding="utf-8")
        (self.folder / "asound.conf").write_text(_ALSA.format(socket=self.socket), encoding="utf-8")
        self._process = None
        self.start()
        return self

    def __exit__(self, *_):
        if self._process is not None:
            self.kill()
        self._own.cleanup()

    def environment(self):
        """What a process needs in its environment to hear and play there, through ALSA or PortAudio."""
        folder = str(self.folder)
        return {
            "ALSA_CONFIG_PATH": f"{folder}/asound.conf",
            "XDG_RUNTIME_DIR": folder,
            "PULSE_RUNTIME_PATH": folder,
            "PULSE_STATE_PATH": folder,
            "JACK_NO_START_SERVER": "1",
        }

    def start(self):
        """Returns when it can be connected to; `back_s` is when that was, on time.monotonic()."""
        self._process = subprocess.Popen(
            [
                *("pulseaudio", "-n", "-F", str(self.folder / "script.pa"), "--daemonize=no", "--exit-idle-time=-1"),
                *("--disallow-exit", "--use-pid-file=no", "--realtime=no", "--high-priority=no", "--log-level=error"),
            ],
            env={**os.environ, **self.environment(), "HOME": str(self.folder)},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        limit_s = time.monotonic() + _PATIENCE_S
        self.back_s = time.monotonic()
        while self._pactl("info") != 0:
            assert time.monotonic() < limit_s, "PulseAudio does not begin"
            time.sleep(0.01)
            self.back_s = time.monotonic()

    def kill(self):
        """As a crash does: whoever is connected is cut off, and nobody can connect."""
        self._process.kill()
        self._process.wait(_PATIENCE_S)
        self._process = None
        self.socket.unlink(missing_ok=True)

    def stand_still(self):
        """It does not answer, and does not hang up."""
        self._process.send_signal(signal.SIGSTOP)

    def go_on(self):
        """After `stand_still`."""
        self._process.send_signal(signal.SIGCONT)

    def say(self, samples):
        """Into the microphone, now; returns when it has been said."""
        subprocess.run(
            [*("pacat", "--playback", "--device=feed", "--latency-msec=20"), *_raw()],
            env={**os.environ, **self.environment(), "PULSE_SERVER": f"unix:{self.socket}"},
            input=bytes_of(samples),
            check=True,
            timeout=60,
        )

    def _pactl(self, *words):
        return subprocess.run(
            ["pactl", *words],
            env={**os.environ, **self.environment(), "PULSE_SERVER": f"unix:{self.socket}"},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            check=False,
            timeout=_PATIENCE_S,
        ).returncode


def _raw():
    return ["--raw", "--format=s16le", f"--rate={RATE_HZ}", "--channels=1"]
