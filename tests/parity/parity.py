"""Compares the wake word engine with the `openwakeword` package, on the same models and the same sound.

    python tests/parity/parity.py            compare; exit 1 when a score differs by more than 1e-3
    python tests/parity/parity.py --write    and keep the package's scores for the default suite

The package is installed, pinned, in an environment of its own under build/parity: it does not get on with current
versions of what it depends on, and nothing of the appliance needs it.
"""

import subprocess
import sys
import venv
from pathlib import Path

import numpy as np

from antiphon.devices.wake_models import packaged_models
from antiphon.devices.wake_openwakeword import builtin_models, open_engine
from antiphon.pcm import Samples
from antiphon.simulator.speech import FLITE_VOICES, synthesise

TOLERANCE = 1e-3
HERE = Path(__file__).parent
PROJECT = HERE.parent.parent
BUILD = PROJECT / "build" / "parity"
GOLDEN = PROJECT / "tests" / "data" / "golden-scores.npz"
RATE_HZ = 16_000


def scenes() -> dict[str, Samples]:
    """What is listened to: each voice alone, at once, in a sentence, in noise; and what is no speech."""
    chance = np.random.default_rng(7)
    made = {}
    for voice in FLITE_VOICES:
        word = synthesise("Hey Jarvis.", voice, RATE_HZ)
        made[f"{voice}-alone"] = amid(word, before_s=1.5, after_s=1)
        made[f"{voice}-sentence"] = amid(synthesise("Well then, hey Jarvis, is it late?", voice, RATE_HZ), 0.5, 0.5)
        made[f"{voice}-noise"] = noisy(amid(word, 1.5, 1), level=150, chance=chance)
    made["rms-at-once"] = amid(synthesise("Hey Jarvis.", "rms", RATE_HZ), before_s=0, after_s=1)
    made["kal16-nabu"] = amid(synthesise("Okay Nabu.", "kal16", RATE_HZ), before_s=1.5, after_s=1)
    made["slt-alexa"] = amid(synthesise("Alexa.", "slt", RATE_HZ), before_s=1.5, after_s=1)
    made["silence"] = np.zeros(2 * RATE_HZ, np.int16)
    made["clipped"] = (chance.integers(0, 2, RATE_HZ) * 65_535 - 32_768).astype(np.int16)
    made["click"] = np.zeros(2 * RATE_HZ, np.int16)
    made["click"][RATE_HZ] = 32_767
    return made


def amid(word: Samples, before_s: float, after_s: float) -> Samples:
    """`word` with silence before and after it."""
    return np.pad(word, (round(before_s * RATE_HZ), round(after_s * RATE_HZ)))


def noisy(sound: Samples, level: float, chance: np.random.Generator) -> Samples:
    """`sound` in white noise of `level` (RMS, in samples' units)."""
    return (sound * 0.7 + chance.normal(0, level, len(sound))).astype(np.int16)


def environment() -> Path:
    """The Python of the package's own environment, made when it is missing."""
    python = BUILD / "venv" / "bin" / "python"
    ready = BUILD / "ready"
    if not ready.exists():
        venv.create(BUILD / "venv", with_pip=True, clear=True)
        pip = [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        subprocess.run([*pip, "ai-edge-litert", "numpy", "tqdm", "requests"], check=True)
        subprocess.run([*pip, "--no-deps", "openwakeword==0.6.0"], check=True)
        ready.touch()
    return python


def upstream_scores(sound: dict[str, Samples], words: list[Path]) -> dict[str, np.ndarray]:
    """The package's scores of each scene, shape (steps, words)."""
    python = environment()
    np.savez(BUILD / "sound.npz", **sound)
    folder = packaged_models("pyopen_wakeword")
    files = [BUILD / "sound.npz", BUILD / "scores.npz", folder, *words]
    subprocess.run([python, HERE / "upstream.py", *files], check=True)
    with np.load(BUILD / "scores.npz") as scores:
        return {scene: scores[scene] for scene in scores.files}


def main(argv: list[str]) -> int:
    """Compare every score of every scene; the exit status."""
    sound, builtin = scenes(), builtin_models()
    theirs = upstream_scores(sound, list(builtin.values()))
    engine = open_engine(list(builtin))
    worst = 0.0
    print(f"{'scene':<16}{'steps':>6}{'highest':>9}  difference")
    for scene, samples in sound.items():
        engine.forget()
        ours = np.array(engine.hear(samples), np.float32)
        difference = float(np.abs(ours - theirs[scene]).max())
        worst = max(worst, difference)
        print(f"{scene:<16}{len(ours):>6}{ours.max():>9.3f}  {difference:.1e}")
    print(f"largest difference of {sum(map(np.size, theirs.values()))} scores: {worst:.1e} (allowed {TOLERANCE:.0e})")
    if "--write" in argv:
        kept = {f"sound/{scene}": samples for scene, samples in sound.items()}
        kept |= {f"scores/{scene}": scores for scene, scores in theirs.items()}
        np.savez_compressed(GOLDEN, words=np.array(list(builtin)), **kept)
        print(f"wrote {GOLDEN.relative_to(PROJECT)}, {GOLDEN.stat().st_size / 1e6:.2f} MB")
    return 0 if worst <= TOLERANCE else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
