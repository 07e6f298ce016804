"""Where a long recording is cut into parts: at its quietest moment near where a part must end."""

from typing import Final

import numpy as np

from antiphon.pcm import Floats, Samples

BLOCK_MS: Final = 20
STRETCH_MS: Final = 300
"""So long a pause must be to be taken for one between sentences, not inside a word."""


def energies(samples: Samples, frames: int) -> Floats:
    """The mean square of each whole block of `frames` frames."""
    whole = samples[: len(samples) - len(samples) % frames].reshape(-1, frames)
    means: Floats = np.mean(np.square(whole, dtype=np.float32), axis=1, dtype=np.float32)
    return means


def quietest_block(blocks: Floats) -> int:
    """The number of the block in the middle of the quietest stretch, the latest one of equals; `blocks` are the
    energies of BLOCK_MS each, one at least.
    """
    wide = min(len(blocks), STRETCH_MS // BLOCK_MS)
    sums = np.convolve(blocks.astype(np.float64), np.ones(wide), mode="valid")
    latest = len(sums) - 1 - int(np.argmin(np.round(sums[::-1], 3)))
    return latest + wide // 2
