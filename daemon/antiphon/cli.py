"""Floor 5. The command line: one function a verb. It reads argv, prints, and turns errors into one line and exit 2.

Heavy parts are imported by the verb that needs them: `antiphon version` must not wait for numpy.
"""

import argparse
import errno
import io
import json
import math
import os
import platform
import signal
import sys
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from antiphon import __version__
from antiphon.clone import WITHOUT_A_CARD, page
from antiphon.config_files import DEFAULT_PATH, board_files, find_board, find_key, read_layers
from antiphon.errors import AntiphonError, AudioFileError, SettingsError
from antiphon.secret import Secret
from antiphon.settings import Layer, Loaded, Settings, Typed, effective, effective_dict, idle, load

EXIT_REFUSED = 1  # the running daemon will not, and says why
EXIT_MEND = 2  # the user can mend it; anything else that fails is ours, and shows its traceback


def main(argv: Sequence[str] | None = None) -> int:
    """Run one verb; returns the exit status."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    if isinstance(sys.stdout, io.TextIOWrapper):  # a terminal that cannot show a letter, or a name that is no text
        sys.stdout.reconfigure(errors="backslashreplace")
    try:
        options = _parser(arguments[:2]).parse_args(arguments)
        verb: Callable[[argparse.Namespace], int] = options.verb
        status = verb(options)
        print(end="", flush=True)  # what cannot be written is to be known before the end
    except AntiphonError as error:
        print("\n".join(f"antiphon: {line}" for line in _lines(error)), file=sys.stderr)
        return EXIT_MEND
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:  # the reader of our output has gone
        _drop_output()
        return 0
    except OSError as error:
        if error.errno != errno.ENOSPC:
            raise
        _drop_output()
        print("antiphon: there is no space left to write to: make some, or write elsewhere", file=sys.stderr)
        return EXIT_MEND
    return status


def _lines(error: AntiphonError) -> list[str]:
    """What it says, with nothing in it that a terminal obeys; the name of a file may hold anything, line ends too."""
    lines = [str(error)] if isinstance(error, AudioFileError) else str(error).splitlines()
    return ["".join(c if c.isprintable() else "\ufffd" for c in line) for line in lines]


def _tidy_when_ended() -> None:
    """Ended by SIGTERM, as by timeout(1), it takes away what is half done, as it does by Ctrl-C."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))


def _drop_output() -> None:
    """From now on stdout goes nowhere, with what still waits to be written."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _settings(options: argparse.Namespace) -> Loaded:
    return load(read_layers(options.config, os.environ, options.set))


# ── verbs ────────────────────────────────────────────────────────────────────────────────────────


def run(options: argparse.Namespace) -> int:
    """Be the appliance, until SIGTERM."""
    signal.signal(signal.SIGUSR2, signal.SIG_IGN)  # until there is something to stop
    from antiphon.app import run_appliance
    from antiphon.replacing import begin_anew

    settings = _settings(options).settings
    return run_appliance(settings, find_key(settings, os.environ), begin_anew, muted=options.muted)


def demo(options: argparse.Namespace) -> int:
    """Show a whole turn, with what this machine has and what it lacks simulated."""
    from antiphon.demo import run_demo

    return run_demo(options)


def check(options: argparse.Namespace) -> int:
    """Print the settings in effect, and where each comes from."""
    loaded = _settings(options)
    for says, remedy in idle(loaded.settings):
        print(f"antiphon: {says}: {remedy}", file=sys.stderr)
    if options.json:
        print(json.dumps(effective_dict(loaded), indent=2, ensure_ascii=False))
    else:
        print(effective(loaded), end="")
    return 0


def boards(options: argparse.Namespace) -> int:
    """List the boards that the setting `board` can name; or show one: its wires, its lines, what it sets."""
    if options.name is not None:
        return _show_board(options)
    if options.page or options.drawing:
        raise SettingsError("--page and --drawing are of one board: name it, as in antiphon boards led-button --page")
    entries = board_files()
    if options.json:
        rows = [(one.name, one.title, one.board.tried if one.board else None, str(one.path)) for one in entries]
        told = [dict(zip(("name", "title", "tried", "path"), row, strict=True)) for row in rows]
        print(json.dumps(told, indent=2, ensure_ascii=False))
        return 0
    wide = max((len(one.name) for one in entries), default=0)
    for one in entries:
        print(f"{one.name:{wide}}  {one.title}" + (f"  ({one.board.tried})" if one.board else ""))
    return 0


def _show_board(options: argparse.Namespace) -> int:
    """One board, as it is without the owner's settings."""
    from antiphon.pinout import draw, essentials, page

    loaded = load([find_board(options.name)])
    assert loaded.board is not None  # or loading would have failed
    name = Path(options.name).stem
    if options.json:
        told = {"name": name, **loaded.board.model_dump(mode="json", by_alias=True)}
        print(json.dumps(told, indent=2, ensure_ascii=False))
    elif options.drawing:
        print(draw(loaded.board), end="")
    else:
        print(page(name, loaded) if options.page else essentials(name, loaded), end="")
    return 0


def devices(options: argparse.Namespace) -> int:
    """List the sound devices."""
    from antiphon.devices.sound_devices import list_devices

    found = list_devices()
    if options.json:
        print(json.dumps([asdict(device) for device in found], indent=2))
        return 0
    if not found:
        print(f"There is no sound device. Plug one in; {WITHOUT_A_CARD}.")
    for device in found:
        ways = (
            (device.input_channels, "in", device.default_input),
            (device.output_channels, "out", device.default_output),
        )
        uses = [f"{count} {way}{', default' * default}" for count, way, default in ways if count]
        print(f"{device.index:3}  {device.name}  ({'; '.join(uses)}; {device.rate_hz} Hz)")
    return 0


def listen(options: argparse.Namespace) -> int:
    """Show wake word scores live."""
    from antiphon.listening import run_listen

    return run_listen(_settings(options).settings, seconds=options.seconds, as_json=options.json)


def wiring(options: argparse.Namespace) -> int:
    """Light every lamp in turn, show the faces, and tell what buttons and switch do, until Ctrl-C."""
    from antiphon.wiring import run_wiring

    return 0 if run_wiring(_settings(options).settings) else EXIT_MEND


def ask(options: argparse.Namespace) -> int:
    """Run one turn with a WAV file for a microphone, and another for a speaker."""
    from antiphon.asking import run_ask

    layers = read_layers(options.config, os.environ, options.set)
    if options.link == "generate":
        _check_servers(layers)
    if options.link is not None:
        layers.append(Layer("--link", {"links": Typed(options.link)}))
    settings = load(layers).settings
    key = find_key(settings, os.environ)
    return run_ask(settings, key, options.question, options.output, as_json=options.json)


def transcribe(options: argparse.Namespace) -> int:
    """Write down what is said in recordings, or while it is spoken."""
    _tidy_when_ended()
    settings = _settings(options).settings
    key = find_key(settings, os.environ, [settings.speech.url])
    if options.live:
        from antiphon.dictating import plan_of as live_plan_of
        from antiphon.dictating import run_live

        if len(options.files) > 1:
            raise SettingsError("--live hears one source: a file, - for samples on stdin, or none for the microphone")
        live = live_plan_of(settings, options.language, options.hotwords, options.model)
        source = options.files[0] if options.files else None
        return run_live(settings, live, key, source, options.rate, as_json=options.json)
    if not options.files:
        raise SettingsError("there is no recording: name one or more, or give --live to hear the microphone")
    if Path("-") in options.files:
        raise SettingsError("- is samples on stdin, which --live hears: add that, or write them into a .pcm file")
    from antiphon.transcribing import plan_of, run_transcribe

    plan = plan_of(settings, options.language, options.hotwords, options.model)
    return run_transcribe(plan, key, options.files, options.rate, as_json=options.json)


def voices_list(options: argparse.Namespace) -> int:
    """List the voices of a model, and your own."""
    from antiphon.voicing import plan_of, run_list

    settings, key = _for_speech(options)
    return run_list(plan_of(settings, options.model), key, as_json=options.json)


def voices_preview(options: argparse.Namespace) -> int:
    """Hear how the voice of a recording would sound; it is neither made nor paid for."""
    _tidy_when_ended()
    from antiphon.voicing import plan_of, run_preview

    settings, key = _for_speech(options)
    plan = plan_of(settings, options.model)
    return run_preview(settings, plan, key, options.recording, options.text, options.output, as_json=options.json)


def voices_clone(options: argparse.Namespace) -> int:
    """Make a voice of a recording of 5 to 10 seconds; it costs money, which is asked before."""
    from antiphon.voicing import plan_of, run_clone

    settings, key = _for_speech(options)
    plan = plan_of(settings, options.model)
    return run_clone(plan, key, options.recording, options.text, yes=options.yes, as_json=options.json)


def _for_speech(options: argparse.Namespace) -> tuple[Settings, Secret | None]:
    settings = _settings(options).settings
    return settings, find_key(settings, os.environ, [settings.speech.url])


def _check_servers(layers: Sequence[Layer]) -> None:
    """Raises SettingsError where no server is known: the links that are set do not count, as --link replaces them."""
    both = Layer("--link", {"links": Typed("realtime, generate")})  # generate alone would be refused for another reason
    if not load([*layers, both]).settings.generate.urls:
        raise SettingsError(
            "--link generate: there is no server to ask: set generate.urls, as in "
            f"--set generate.urls=http://nas:8000 ({page('docs/lan-server.md')})"
        )


def simulate(options: argparse.Namespace) -> int:
    """Be a service on this machine, faults included: StepFun's, or the server of a LAN."""
    import asyncio

    def tell(line: dict[str, Any]) -> None:
        """A log that cannot be written is done without: sessions matter more."""
        try:
            print(json.dumps(line), flush=True)
        except OSError:
            _drop_output()

    if options.service != options.parsed_for:
        raise SettingsError(f"the service comes first: antiphon simulate {options.service} and then its options")
    if options.service == "voxserve":
        from antiphon.simulator.voxserve import arguments as of_voxserve
        from antiphon.simulator.voxserve import server as voxserve

        asyncio.run(voxserve.run_forever(of_voxserve.options_from(options), tell))
    else:
        from antiphon.simulator.stepfun import arguments as of_stepfun
        from antiphon.simulator.stepfun import server as stepfun

        asyncio.run(stepfun.run_forever(of_stepfun.options_from(options), tell))
    return 0


def doctor(options: argparse.Namespace) -> int:
    """Try everything that the appliance needs, and name the remedy of each failure."""
    from antiphon.doctor import run_acoustic, run_doctor

    if options.acoustic:  # with wrong settings nothing is played
        settings = _settings(options).settings
        return run_acoustic(settings, as_json=options.json, runs=_runs(settings.control.socket))
    return run_doctor(options.config, os.environ, options.set, as_json=options.json)


def setup(options: argparse.Namespace) -> int:
    """Ask for key, board and devices, try the sound by ear and by measure, and write the settings."""
    from antiphon.setting_up.dialogue import run_setup

    config = options.config or DEFAULT_PATH
    return run_setup(config, os.environ, options.set, defaults=options.defaults, runs=_runs)


def docs(_: argparse.Namespace) -> int:
    """Draw the states of a conversation from their table, as a Mermaid diagram."""
    from antiphon.conversation.states import mermaid

    print(mermaid(), end="")
    return 0


# ── verbs for the daemon that runs ───────────────────────────────────────────────────────────────


def status(options: argparse.Namespace) -> int:
    """Show what the running daemon is doing."""
    from antiphon.controlling import CLEAR, ask, shown, watch

    paths = _control_paths(options)
    for told in watch(paths) if options.watch else [ask(paths, {"do": "status"})]:
        if _is_refused(told):
            return EXIT_REFUSED
        words = json.dumps(told, indent=None if options.watch else 2) + "\n" if options.json else shown(told)
        print(CLEAR * (options.watch and not options.json) + words, end="", flush=True)
    return 0


def say(options: argparse.Namespace) -> int:
    """Say a text, by the running daemon where one runs, or into a file; returns when it has been heard."""
    text = None if options.text == ["-"] else " ".join(options.text)
    if text is None and not options.stream:
        text = "" if sys.stdin is None else sys.stdin.buffer.read().decode("utf-8", "replace")
    if options.output is None and not options.stream:
        from antiphon.controlling import NotRunningError

        assert text is not None
        try:
            return _say_by_daemon(options, text)
        except NotRunningError:
            if options.socket is not None:
                raise
    from antiphon.conversation.events import SpeechStyle
    from antiphon.saying import Order, run_say

    _tidy_when_ended()
    settings = _settings(options).settings
    key = find_key(settings, os.environ, [settings.speech.url])
    style = SpeechStyle(options.voice, options.instruction, options.speed)
    return run_say(settings, key, Order(text, options.stream, options.output, style))


def _say_by_daemon(options: argparse.Namespace, text: str) -> int:
    """In parts that it takes, one after the other. Raises NotRunningError only before it has said anything."""
    from antiphon.controlling import NoDaemonError, NotRunningError
    from antiphon.runtime.control import MOST_TEXT, STYLE
    from antiphon.speech.wire import pieces, speakable

    wanted = {name: getattr(options, name) for name in STYLE if getattr(options, name) is not None}
    text = speakable(text)
    parts = [text] if len(text) <= MOST_TEXT else pieces(text) or [""]  # blank: refused in words
    for said, piece in enumerate(parts):
        try:
            status = _order(options, {"do": "say", "text": piece, **wanted})
        except NotRunningError:
            if not said:
                raise
            raise NoDaemonError(f"the daemon ended after part {said} of {len(parts)}: say the rest again") from None
        if status:
            return status
    return 0


def listen_now(options: argparse.Namespace) -> int:
    """Let the running daemon listen, as if its talk button were pressed."""
    return _order(options, {"do": "listen"})


def stop(options: argparse.Namespace) -> int:
    """Let the running daemon stop what it says or listens to."""
    return _order(options, {"do": "stop"})


def mute(options: argparse.Namespace) -> int:
    """Close the microphone of the running daemon."""
    return _order(options, {"do": "mute"})


def unmute(options: argparse.Namespace) -> int:
    """Open the microphone of the running daemon again."""
    return _order(options, {"do": "unmute"})


def volume(options: argparse.Namespace) -> int:
    """Tell or change how loud the running daemon is."""
    return _order(options, options.volume)


def _runs(socket: str | None) -> bool:
    """Whether the daemon answers; `socket` is the setting."""
    from antiphon.controlling import NoDaemonError, ask
    from antiphon.runtime.control import places

    try:
        ask([] if socket is None else places(socket, os.environ), {"do": "status"})
    except NoDaemonError:
        return False
    return True


def _order(options: argparse.Namespace, request: dict[str, Any]) -> int:
    from antiphon.controlling import ask

    told = ask(_control_paths(options), request)
    if _is_refused(told):
        return EXIT_REFUSED
    if "volume" in told:
        print("the volume is not known" if told["volume"] is None else f"volume {told['volume']}")
    return 0


def _is_refused(told: dict[str, Any]) -> bool:
    from antiphon.controlling import plain

    if told["ok"] is not True:
        print(f"antiphon: {plain(told['why'])}", file=sys.stderr)
    return told["ok"] is not True


def _control_paths(options: argparse.Namespace) -> list[Path]:
    """Where the daemon's socket may be: as named, or as set; where the settings are wrong, where it usually is."""
    from antiphon.controlling import NotRunningError
    from antiphon.runtime.control import places

    if options.socket is not None:
        return [options.socket]
    try:
        setting = _settings(options).settings.control.socket
    except SettingsError:  # the daemon may have begun with better ones
        setting = "auto"
    if setting is None:
        raise NotRunningError("control.socket is null: the daemon is to be asked nothing")
    return places(setting, os.environ)


# ── about itself ─────────────────────────────────────────────────────────────────────────────────


def version(options: argparse.Namespace) -> int:
    """Print the version."""
    facts = {"antiphon": __version__, "python": platform.python_version(), "machine": platform.machine()}
    print(json.dumps(facts) if options.json else f"antiphon {__version__}")
    return 0


# ── argv ─────────────────────────────────────────────────────────────────────────────────────────


def _number(text: str) -> float:
    """What is none is nan: argparse would tell a ValueError with the name of a function of ours."""
    try:
        return float(text)
    except ValueError:
        return math.nan


def _seconds(text: str) -> float:
    seconds = _number(text)
    if not (seconds > 0 and math.isfinite(seconds)):
        raise argparse.ArgumentTypeError(f"{text!r} is not a length of time above 0")
    return seconds


def _volume(text: str) -> dict[str, Any]:
    from antiphon.controlling import volume_request

    try:
        return volume_request(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is no volume: give 0 to 100, or +5 or -5 for a change") from None


def _words(text: str) -> list[str]:
    """Words between commas, Chinese ones included."""
    return [word.strip() for word in text.replace("\uff0c", ",").split(",") if word.strip()]


def _rate_hz(text: str) -> int:
    rate_hz = _number(text)
    if not (8000 <= rate_hz <= 192_000 and rate_hz.is_integer()):
        raise argparse.ArgumentTypeError(f"{text!r} is no sample rate: give 8000 to 192000")
    return int(rate_hz)


def _add_transcribe(verb: argparse.ArgumentParser) -> None:
    verb.add_argument(
        "files", nargs="*", type=Path, metavar="FILE", help="recordings: wav, mp3, ogg, opus, pcm; others by ffmpeg"
    )
    verb.add_argument(
        "--live",
        action="store_true",
        help="write it down while it is spoken: by the microphone, - (pcm on stdin), a file",
    )
    verb.add_argument("--language", default="", metavar="L", help="what is spoken, as zh or en (else it is found out)")
    verb.add_argument(
        "--hotwords", type=_words, default=[], metavar="A,B", help="names and words that it should know how to write"
    )
    verb.add_argument("--model", metavar="M", help="the model (else speech.recognise_model)")
    verb.add_argument(
        "--rate", type=_rate_hz, default=16_000, metavar="HZ", help="of pcm, mono 16 bit (default: 16000)"
    )


def _add_voices(add: Callable[..., argparse.ArgumentParser], verbs: Any) -> None:
    """List, preview and clone: verbs of a verb."""
    words = "list the voices that there are, and make new ones from recordings"
    inner = verbs.add_parser("voices", help=words, description=f"{words.capitalize()}.").add_subparsers(
        metavar="WHAT", required=True
    )
    list_verb = add(voices_list, settings=True, prints=True, among=inner, name="list")
    preview_verb = add(voices_preview, settings=True, prints=True, among=inner, name="preview")
    clone_verb = add(voices_clone, settings=True, prints=True, among=inner, name="clone")
    for verb in (list_verb, preview_verb, clone_verb):
        verb.add_argument("--model", metavar="M", help="the model that speaks (else speech.model)")
    for verb in (preview_verb, clone_verb):
        verb.add_argument("recording", type=Path, metavar="FILE", help="5 to 10 s of one voice, as .wav or .mp3")
    preview_verb.add_argument("--text", help="what it is to say, 50 characters at most")
    preview_verb.add_argument("-o", "--output", type=Path, metavar="WAV", help="where to put it (else it is played)")
    clone_verb.add_argument("--text", help="the words that are spoken in the recording")
    clone_verb.add_argument("--yes", action="store_true", help="agree to the price, and be asked nothing")


def _add_simulated(verb: argparse.ArgumentParser, service: str) -> None:
    """The arguments of one simulated service, which is named before them or is StepFun's."""
    if service == "voxserve":
        from antiphon.simulator.voxserve.arguments import add_arguments
    else:
        from antiphon.simulator.stepfun.arguments import add_arguments

    services = ("stepfun", "voxserve")
    words = "which service (default: stepfun); each has options of its own, shown by antiphon simulate SERVICE --help"
    verb.add_argument("service", nargs="?", choices=services, default="stepfun", help=words)
    verb.set_defaults(parsed_for=service)
    if service == "voxserve":
        verb.usage = "antiphon simulate voxserve [options]"
        verb.epilog = f"What each fault means: {page('docs/simulated-voxserve.md')}."
    add_arguments(verb)


def _add_say(verb: argparse.ArgumentParser) -> None:
    verb.add_argument("text", nargs="+", help="what to say; - is standard input")
    verb.add_argument(
        "-o", "--output", type=Path, metavar="FILE", help="into a file, without the daemon: .wav .mp3 .flac .opus .pcm"
    )
    verb.add_argument(
        "--stream", action="store_true", help="speak while the text still comes, without the daemon (-o: .wav or .pcm)"
    )
    verb.add_argument("--voice", metavar="V", help="the voice for this once: 'antiphon voices list' shows them")
    verb.add_argument("--instruction", metavar="WORDS", help='how it is said, as "calm, slowly"')
    verb.add_argument("--speed", type=_speed, metavar="N", help="how fast, 0.5 to 2")


def _speed(text: str) -> float:
    speed = _number(text)
    if not 0.5 <= speed <= 2.0:
        raise argparse.ArgumentTypeError(f"{text!r} is no speed: give 0.5 to 2")
    return speed


def _add_orders(add: Callable[..., argparse.ArgumentParser]) -> None:
    """The verbs for the daemon that runs."""
    orders = {one: add(one, settings=True, prints=one is status) for one in (status, say, listen_now, stop)}
    orders |= {one: add(one, settings=True, prints=False) for one in (mute, unmute, volume)}
    for verb in orders.values():
        verb.add_argument("--socket", type=Path, metavar="PATH", help="the daemon's control socket (else as set)")
    orders[status].add_argument("--watch", action="store_true", help="go on, and show every change")
    _add_say(orders[say])
    orders[volume].add_argument(
        "volume", nargs="?", type=_volume, default="", metavar="N|+N|-N", help="how loud, 0 to 100, or how much louder"
    )


def _parser(first: list[str]) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="antiphon", description="A voice appliance: call and response.")
    verbs = parser.add_subparsers(title="verbs", metavar="VERB", required=True)

    def add(
        function: Callable[[argparse.Namespace], int],
        *,
        settings: bool,
        prints: bool,
        among: Any = verbs,
        name: str = "",
    ) -> argparse.ArgumentParser:
        words = (function.__doc__ or "").strip()
        name = name or function.__name__.replace("_", "-")
        short = words[0].lower() + words[1:].rstrip(".")
        verb: argparse.ArgumentParser = among.add_parser(name, help=short, description=words)
        verb.set_defaults(verb=function)
        if settings:
            verb.add_argument("--config", type=Path, metavar="FILE", help="settings (else /etc/antiphon/antiphon.yaml)")
            verb.add_argument("--set", action="append", default=[], metavar="A.B=C", help="change one setting")
        if prints:
            verb.add_argument("--json", action="store_true", help="print data as JSON")
        return verb

    run_verb = add(run, settings=True, prints=False)
    run_verb.add_argument("--muted", action="store_true", help="begin muted: the microphone stays closed")
    demo_verb = add(demo, settings=True, prints=True)
    demo_verb.add_argument("--simulate", action="store_true", help="simulate card and service even where there are any")
    demo_verb.add_argument(
        "--failover", action="store_true", help="cut the cloud off in the middle of the question; all is simulated"
    )
    demo_verb.add_argument(
        "--stay", action="store_true", help="keep all that is simulated until Ctrl-C, to try the other verbs on it"
    )
    demo_verb.add_argument("--voice", default="slt", help="who speaks in the simulated room: rms slt awb kal16")
    demo_verb.add_argument("--say", default="What time is it?", help="the question asked in the simulated room")
    demo_verb.add_argument("-o", "--output", type=Path, metavar="WAV", help="where to leave what the room heard")
    add(check, settings=True, prints=True)
    boards_verb = add(boards, settings=False, prints=True)
    boards_verb.add_argument("name", nargs="?", help="show this board: a name, or the path of a board file")
    boards_verb.add_argument("--page", action="store_true", help="print its page, as Markdown")
    boards_verb.add_argument("--drawing", action="store_true", help="print the drawing of its wires, as SVG")
    add(devices, settings=False, prints=True)
    listen_verb = add(listen, settings=True, prints=True)
    listen_verb.add_argument("--seconds", type=_seconds, metavar="S", help="stop after so long")
    add(wiring, settings=True, prints=False)
    ask_verb = add(ask, settings=True, prints=True)
    ask_verb.add_argument("question", type=Path, help="a WAV file with the question")
    ask_verb.add_argument(
        "--link", metavar="LINK", help="ask this link alone: realtime, generate, chat or cascade (else as set)"
    )
    ask_verb.add_argument("-o", "--output", type=Path, metavar="WAV", help="where to put the reply")
    _add_transcribe(add(transcribe, settings=True, prints=True))
    _add_voices(add, verbs)
    simulate_verb = add(simulate, settings=False, prints=False)
    if first[:1] == ["simulate"]:  # their many faults are listed only where they are asked for
        _add_simulated(simulate_verb, "voxserve" if first[1:] == ["voxserve"] else "stepfun")
    doctor_verb = add(doctor, settings=True, prints=True)
    doctor_verb.add_argument(
        "--acoustic", action="store_true", help="play a sweep, and measure the way from speaker to microphone"
    )
    _add_orders(add)
    setup_verb = add(setup, settings=True, prints=False)
    setup_verb.add_argument("--defaults", action="store_true", help="ask nothing; write what --set gives, and the key")
    add(docs, settings=False, prints=False)
    add(version, settings=False, prints=True)
    return parser
