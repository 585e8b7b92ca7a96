"""Data to learn from: small sets drawn from a Generator, and the real 8x8 digits.

Every maker returns Data(X, Y, name): X (n, features), Y (n, outputs) floats or (n,) class numbers.
The two-class sets in the plane are centred and about 2 across, half of the points in each class
(class 0 first), with labels 0 and 1 as floats (n, 1); `noise` is the standard deviation of a
normal error added to each coordinate.
"""

from importlib.resources import files
from typing import NamedTuple

import numpy as np

from helpers import checks


class Data(NamedTuple):
    """Inputs X (n, features), labels Y (n, outputs) floats or (n,) class numbers, and a name."""

    X: np.ndarray
    Y: np.ndarray
    name: str


# --- two classes in the plane -------------------------------------------------------------------


def xor(copies=1, noise=0.0, rng=None):
    """The corners (0,0), (0,1), (1,0), (1,1); label 1 where exactly one coordinate is 1.

    `copies` repeats the four rows; `noise` > 0 moves every point and needs `rng`.
    """
    copies = checks.whole("copies", copies, 1)
    corners = np.array([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]])
    labels = np.array([[0.0], [1.0], [1.0], [0.0]])
    X, Y = np.tile(corners, (copies, 1)), np.tile(labels, (copies, 1))
    return Data(X if rng is None and noise == 0 else _shaken(X, noise, rng), Y, "xor")


def xor_clouds(rng, n=200, noise=0.2):
    """Four round clouds at (+-1, +-1); opposite corners share a class: XOR with many points."""
    return _two_classes(rng, n, noise, "xor clouds", _opposite_corners)


def moons(rng, n=200, noise=0.1):
    """Two half circles that reach into each other; turning the plane by 180 degrees swaps them."""
    return _two_classes(rng, n, noise, "moons", _moon)


def rings(rng, n=200, noise=0.1):
    """A small ring (class 1, radius 0.5) inside a large one (class 0, radius 1.25)."""
    return _two_classes(rng, n, noise, "rings", _ring)


def spiral(rng, n=200, noise=0.05, turns=1.0):
    """Two arms that wind `turns` times around the origin and swap when turned by 180 degrees."""
    turns = checks.real("turns", turns, 0)
    return _two_classes(rng, n, noise, "spiral", lambda t, label: _arm(t, label, turns))


def _opposite_corners(t, label):
    x = np.where(t < 0.5, -1.0, 1.0)
    return x, x * (1 - 2 * label)


def _moon(t, label):
    side = 1 - 2 * label
    return side * (np.cos(np.pi * t) - 0.5), side * (np.sin(np.pi * t) - 0.25)


def _ring(t, label):
    radius, angle = 1.25 - 0.75 * label, 2 * np.pi * t
    return radius * np.cos(angle), radius * np.sin(angle)


def _arm(t, label, turns):
    radius, angle = 0.1 + 1.3 * t, np.pi * (2 * turns * t + label)
    return radius * np.cos(angle), radius * np.sin(angle)


def _two_classes(rng, n, noise, name, curve):
    """n points at random places t in [0, 1] of curve(t, label), moved by `noise`."""
    rng = checks.generator("rng", rng)
    n = checks.whole("n", n, 2)
    label = np.repeat([0.0, 1.0], [n - n // 2, n // 2])
    X = np.stack(curve(rng.random(n), label), axis=-1)
    return Data(_shaken(X, noise, rng), label[:, None], name)


def _shaken(X, noise, rng):
    noise = checks.real("noise", noise, 0)
    return X + noise * checks.generator("rng", rng).standard_normal(X.shape)


DATASETS = {"xor clouds": xor_clouds, "moons": moons, "rings": rings, "spiral": spiral}


# --- regression and projection ------------------------------------------------------------------


def line(rng, n=50, slope=2.0, intercept=-1.0, noise=0.1):
    """y = slope x + intercept + noise, x uniform on [-1, 1]: X (n, 1), Y (n, 1)."""
    rng = checks.generator("rng", rng)
    slope, intercept = checks.real("slope", slope), checks.real("intercept", intercept)
    X = rng.uniform(-1, 1, (checks.whole("n", n, 1), 1))
    return Data(X, _shaken(slope * X + intercept, noise, rng), "line")


def plane_cloud(rng, n=300, spectrum=(4.0, 1.0, 0.05), offset=(0.0, 0.0, 0.0), exact=False):
    """A tilted cloud of n points around a plane in R^3, as inputs and as targets (autoencoder).

    spectrum  variances along three perpendicular axes that lie at random in space
    offset    mean of the cloud along the same three axes: (0, 0, 10) moves it along the third,
              the weak one, which misleads a plane through the origin as much as it can
    exact     the sample itself has exactly this mean and these variances (divided by n)

    X (n, 3); Y is X. The axes are the eigenvectors of the covariance.
    """
    rng = checks.generator("rng", rng)
    n = checks.whole("n", n, 4)
    spectrum = _triple("spectrum", spectrum)
    if (spectrum < 0).any():
        raise ValueError(f"spectrum must hold variances from 0 upwards, got {spectrum.tolist()}")
    axes = np.linalg.qr(rng.standard_normal((3, 3)))[0]
    cloud = rng.standard_normal((n, 3))
    cloud = _whitened(cloud) if exact else cloud
    X = (cloud * np.sqrt(spectrum) + _triple("offset", offset)) @ axes.T
    return Data(X, X, "plane cloud")


def _triple(name, values):
    values = checks.finite(name, values)
    if values.shape != (3,):
        raise ValueError(f"{name} must hold 3 numbers, got shape {values.shape}")
    return values


def _whitened(cloud):
    """The cloud with mean 0 and covariance I, exactly in this sample."""
    cloud = cloud - cloud.mean(0)
    return np.sqrt(len(cloud)) * np.linalg.qr(cloud)[0]


# --- real data ----------------------------------------------------------------------------------


def digits():
    """1,797 handwritten digits of 8x8 pixels: X (1797, 64) in [0, 1], Y (1797,) from 0 to 9.

    Alpaydin & Kaynak (1998), Optical Recognition of Handwritten Digits, UCI Machine Learning
    Repository, CC BY 4.0; see data/digits.md. The pixels are counts from 0 to 16, divided by 16.
    """
    with files("helpers").joinpath("data", "digits.npz").open("rb") as stored:
        arrays = np.load(stored)
        return Data(arrays["images"] / 16, arrays["labels"].astype(np.intp), "digits")


def split(data, rng, train):
    """Two Data without a common row: `train` rows drawn at random, and all the others.

    train  a whole number from 1 to n - 1
    """
    order = checks.generator("rng", rng).permutation(len(data.X))
    train = checks.whole("train", train, 1, len(order) - 1)
    return tuple(
        Data(data.X[rows], data.Y[rows], data.name) for rows in (order[:train], order[train:])
    )


def standardise(train, test):
    """Both sets minus the mean of each feature, divided by one standard deviation for all features.

    Mean and deviation come from the training rows only. One common divisor, because some pixels
    of the digits are the same in every image, and because it keeps rare pixels small.
    """
    mean = train.X.mean(0)
    spread = (train.X - mean).std()
    if not spread > 0:
        raise ValueError(f"the features of {train.name!r} must vary, got one constant row")
    return train._replace(X=(train.X - mean) / spread), test._replace(X=(test.X - mean) / spread)
