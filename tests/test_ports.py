"""Every port has an adapter and a fake that ships, and both can do all that the port promises."""

import inspect
from importlib import import_module
from typing import Protocol

import pytest

from antiphon import ports

SATISFIED_BY = {
    ports.Microphone: ("devices.pyaudio.PyAudioMicrophone", "devices.fake_sound.FakeMicrophone"),
    ports.Speaker: ("devices.pyaudio.PyAudioSpeaker", "devices.fake_sound.FakeSpeaker"),
    ports.WakeEngine: (
        "devices.wake_openwakeword.OpenWakeWordEngine",
        "devices.wake_microwakeword.MicroWakeWordEngine",
        "devices.fake.ScriptedWakeEngine",
    ),
    ports.VoiceDetector: ("devices.vad_webrtc.WebrtcVoiceDetector", "devices.fake.ScriptedVoiceDetector"),
    ports.Lamps: (
        "devices.gpio.lamps.GpioLamps",
        "devices.gpio.power.PoweredLamps",
        "devices.spi_lamps.SpiLamps",
        "devices.terminal.TerminalLamps",
        "devices.fake_hands.NoLamps",
        "devices.fake_hands.FakeLamps",
    ),
    ports.Buttons: (
        "devices.gpio.buttons.GpioButtons",
        "devices.fake_hands.NoButtons",
        "devices.fake_hands.FakeButtons",
    ),
    ports.Link: (
        "links.realtime.link.RealtimeLink",
        "links.generate.link.GenerateLink",
        "links.chat.link.ChatLink",
        "links.cascade.link.CascadeLink",
        "links.fake.FakeLink",
    ),
    ports.LinkMaker: (
        "links.realtime.link.RealtimeLinkMaker",
        "links.generate.link.GenerateLinkMaker",
        "links.chat.link.ChatLinkMaker",
        "links.cascade.link.CascadeLinkMaker",
        "links.fake.FakeLinks",
    ),
    ports.EchoCanceller: (
        "devices.echo_speex.SpeexEchoCanceller",
        "devices.echo_webrtc.WebrtcEchoCanceller",
        "devices.fake.NoEchoCanceller",
    ),
    ports.Mixer: (
        "devices.mixer_alsa.AlsaMixer",
        "runtime.volume.SoftMixer",
        "devices.fake_sound.FakeMixer",
    ),
    ports.Speech: ("speech.client.StepFunSpeech", "speech.fake.FakeSpeech", "runtime.late_speech.LateSpeech"),
    ports.Tools: ("tools.host.ToolHost", "tools.fake.FakeTools"),
    ports.Timers: ("runtime.timers.TimerKeeper", "tools.fake.FakeTimers"),
    ports.Outputs: ("devices.gpio.outputs.GpioOutputs", "devices.fake_hands.FakeOutputs"),
    ports.Notifier: ("runtime.notify.SystemdNotifier", "runtime.notify.NoNotifier"),
    ports.Log: ("runtime.log.TextLog", "runtime.log.JsonLog", "runtime.log.JournalLog", "runtime.record.Record"),
    ports.Watcher: (
        "runtime.face_painter.FacePainter",
        "runtime.record.Record",
        "runtime.control.ControlServer",
    ),
}
NO_FAKE = {
    ports.Log: "the real ones write to any descriptor, a pipe of the test's among them",
    ports.Watcher: "one method; whoever needs one gives a list's append",
}
PAIRS = [(port, name) for port, names in SATISFIED_BY.items() for name in names]


def adapter_of(name):
    module, _, attribute = f"antiphon.{name}".rpartition(".")
    return getattr(import_module(module), attribute)


def is_fake(name):
    return any(part.startswith(("fake", "Fake", "No", "Scripted")) for part in name.split("."))


def is_port(thing):
    return inspect.isclass(thing) and thing is not Protocol and getattr(thing, "_is_protocol", False)


def promises_of(port):
    return [name for name, what in vars(port).items() if inspect.isfunction(what) and promised(name)]


def promised(name):
    return name == "__call__" or not name.startswith("_")


def shape(method):
    """What a caller can rely on: names, order and kinds; an adapter may add what has a default."""
    parameters = [p for p in inspect.signature(method).parameters.values() if p.name != "self"]
    return [(p.name, p.kind) for p in parameters if p.default is p.empty]


def broken_promises(port, adapter):
    broken = []
    for name in promises_of(port):
        promise, kept = getattr(port, name), getattr(adapter, name, None)
        if kept is None:
            broken.append(f"no {name}")
        elif shape(kept) != shape(promise):
            broken.append(f"{name} takes {shape(kept)}, not {shape(promise)}")
        elif inspect.iscoroutinefunction(kept) != inspect.iscoroutinefunction(promise):
            broken.append(f"{name}: one is a coroutine, the other is not")
    source = inspect.getsource(adapter)
    wanted = [name for name in inspect.get_annotations(port) if promised(name)]
    return broken + [f"no {name}" for name in wanted if not hasattr(adapter, name) and f"self.{name}" not in source]


def test_the_table_has_every_port():
    assert set(SATISFIED_BY) == {thing for thing in vars(ports).values() if is_port(thing)}


@pytest.mark.parametrize(("port", "name"), PAIRS, ids=[name.rpartition(".")[2] for _, name in PAIRS])
def test_what_satisfies_a_port_keeps_all_of_its_promises(port, name):
    assert broken_promises(port, adapter_of(name)) == []


@pytest.mark.parametrize("port", SATISFIED_BY, ids=lambda port: port.__name__)
def test_a_port_has_an_adapter_and_a_fake(port):
    fakes = {name for name in SATISFIED_BY[port] if is_fake(name)}
    assert set(SATISFIED_BY[port]) - fakes, "nothing real satisfies it"
    assert bool(fakes) != (port in NO_FAKE), "a fake is missing, or an exception no longer holds"


def test_a_broken_promise_is_seen():
    class Half:
        async def open(self, deliver):
            """Not a coroutine in the port."""

    class Other:
        def open(self, give, often):
            """Other words, and more of them."""

        def close(self):
            """As promised."""

    assert [line.split(":")[0] for line in broken_promises(ports.Microphone, Half)] == ["open", "no close", "no hung"]
    assert "open takes" in broken_promises(ports.Microphone, Other)[0]
    assert broken_promises(ports.Lamps, Other)[-1] == "no count"


def test_a_port_says_what_it_promises():
    for port in SATISFIED_BY:
        assert port.__doc__
        assert all(getattr(port, name).__doc__ for name in promises_of(port)), port.__name__
