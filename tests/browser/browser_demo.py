"""Two small live figures for the browser tests; copied beside the test notebook."""

import time
from typing import NamedTuple

import numpy as np

from helpers.live import choice, live, number, toggle


class Wave(NamedTuple):
    x: np.ndarray
    y: np.ndarray
    frequency: float


def compute_wave(*, frequency=1.0, amplitude=1.0, shape="sine", upside_down=False):
    if frequency > 9:
        raise ValueError(f"frequency must be at most 9 <here>, got {frequency}")
    x = np.linspace(0, 10, 300)
    y = amplitude * np.sin(frequency * x)
    y = np.sign(y) if shape == "square" else y
    return Wave(x, -y if upside_down else y, frequency)


def build_wave(fig):
    axes = fig.subplots()
    axes.set(xlim=(0, 10), ylim=(-3, 3), xlabel="time (s)", ylabel="height (m)", title="A wave")
    return axes.plot([], [], animated=True)[0]


def draw_wave(line, result):
    line.set_data(result.x, result.y)


def describe_wave(result):
    return f"A wave of {result.frequency:.2f} radians per second, at most {result.y.max():.3f} m."


def wave(frequency=1.0, amplitude=1.0, shape="sine", upside_down=False):
    return live(
        compute_wave, build_wave, draw_wave, describe_wave, call="wave",
        controls={
            "frequency": number(frequency, 0.1, 10.0, 0.1, "frequency", "rad/s"),
            "amplitude": number(amplitude, 0.01, 3.0, 0.1, "amplitude", "m", log=True),
            "shape": choice(shape, ["sine", "square"], "shape"),
            "upside_down": toggle(upside_down, "upside down"),
        },
    )


def record_decay(*, steps=40, rate=0.1):
    path = [1.0]
    for step in range(steps):
        time.sleep(0.02)
        path.append(path[-1] * (1 - rate))
        if (yield (step + 1) / steps) == "stop":
            break
    return np.array(path)


def compute_decay(*, record, frame, factor=1):
    return factor * record[: frame + 1]


def build_decay(fig):
    axes = fig.subplots()
    axes.set(xlim=(0, 200), ylim=(0, 5), xlabel="step", ylabel="loss (nats)")
    return axes.plot([], [], animated=True)[0]


def draw_decay(line, result):
    line.set_data(np.arange(len(result)), result)


def describe_decay(result):
    return f"After {len(result) - 1} steps the loss is {result[-1]:.4f}."


def decay(steps=40, rate=0.1, factor=1, frame=None):
    return live(
        compute_decay, build_decay, draw_decay, describe_decay, call="decay",
        controls={"factor": number(factor, 1, 5, 1, "factor")},
        record=record_decay, frames=len, frame=frame, button="Train",
        slow={
            "steps": number(steps, 20, 200, 1, "training steps"),
            "rate": number(rate, 0.0, 0.5, 0.01, "learning rate"),
        },
    )  # fmt: skip
