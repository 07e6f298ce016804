"""How lamps look to eyes that lack one of the three cones: simulated, and measured as differences of colour.

The matrices are those of Machado, Oliveira and Fernandes, "A Physiologically-based Model for Simulation of Color Vision
Deficiency" (2009), for severity 1.0; they are for linear RGB, which is what an LED's pulses are. Differences are
CIE 1976's: 2.3 is just noticeable side by side, and a lamp is remembered rather than compared.
"""

import numpy as np

EYES = {
    "all three": np.eye(3),
    "no red": np.array(
        [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]]
    ),
    "no green": np.array(
        [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]]
    ),
    "no blue": np.array(
        [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.303900]]
    ),
}
_XYZ = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]])


def lab(colours, eye, white=1.0):
    """CIE L*a*b* of colours (…, 3; 0 to 255) for an eye that takes a white lamp at `white` for bright."""
    seen = np.clip(np.asarray(colours) / 255 / white @ EYES[eye].T, 0, 1)
    t = seen @ _XYZ.T / _XYZ.sum(axis=1)
    f = np.where(t > 216 / 24389, np.cbrt(t), (24389 / 27 * t + 16) / 116)
    return np.stack([116 * f[..., 1] - 16, 500 * (f[..., 0] - f[..., 1]), 200 * (f[..., 1] - f[..., 2])], axis=-1)


def beats(lightness):
    """How often it goes up through its middle."""
    middle = (lightness.max() + lightness.min()) / 2
    return int(((lightness[:-1] <= middle) & (middle < lightness[1:])).sum())


def difference(one, other):
    """Of two films of one lamp, as `lab` gives them: at their brightest, on the whole, or in their darkest moments."""
    brightest = [film[film[:, 0].argmax()] for film in (one, other)]
    means = [film.mean(axis=0) for film in (one, other)]
    darkest = [film[:, 0].min() for film in (one, other)]
    return max(float(np.linalg.norm(a - b)) for a, b in (brightest, means, darkest))
