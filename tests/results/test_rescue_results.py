"""The published results about saturation, rescue and batch normalisation: rows C4, C6 and D8.

Every test repeats the experiment of its row, at the tolerance stated there, on seeds that no
notebook uses (they start at 2600). Numbers in comments are what was measured over more seeds.
"""

import numpy as np
import pytest

from helpers import mean_field
from helpers.batch_norm import BatchNormNet
from helpers.datasets import digits, split, standardise
from helpers.diagnostics import norm, per_layer
from helpers.losses import SOFTMAX, accuracy
from helpers.network import Net
from helpers.training import SGD, train

SEED = 2600


def generator(offset=0):
    return np.random.default_rng(SEED + offset)


# ---------------------------------------------------------------- C4: the top layer saturates


@pytest.fixture(scope="module")
def glorot():
    """(steps, layers, nets) mean activation of the hidden layers of 20 nets on the test digits."""
    training, test = split(digits(), generator(), 1400)
    net = Net((64, *[100] * 4, 10), "sigmoid")
    theta = net.init(generator(1), "uniform", lead=(20,))
    run = train(net, theta, *training[:2], SOFTMAX, steps=200, optimizer=SGD(0.5), batch=10,
                rng=generator(2), record=[0, 50, 200])  # fmt: skip
    passes = [net.forward(theta, test.X).A[1:-1] for theta in run.thetas]
    return np.array([[a.mean((-2, -1)) for a in A] for A in passes])


def test_c4_every_layer_starts_at_one_half(glorot):
    np.testing.assert_allclose(glorot[0], 0.5, atol=0.05)


def test_c4_the_last_hidden_layer_is_driven_to_zero_in_every_net(glorot):
    """.501 -> .142 -> .063 in the row; here .158 and .068, over 5 seeds .148-.182 and .059-.071."""
    assert (glorot[2, 3] <= 0.12).all()
    assert (glorot[1, 3] < 0.25).all() and (glorot[1, 3] > glorot[2, 3]).all()
    np.testing.assert_allclose(np.median(glorot[1:, 3], -1), [0.142, 0.063], atol=0.03)


def test_c4_the_first_one_stays_at_one_half(glorot):
    np.testing.assert_allclose(glorot[2, 0], 0.5, atol=0.05)


# ---------------------------------------------------------------- C6: rescue


def deep(hidden, nets):
    """The digits, and tanh nets of `hidden` layers with the variance 1 / n."""
    data = standardise(*split(digits(), generator(10), 1400))
    net = Net((64, *[64] * hidden, 10), "tanh")
    return data, net, net.init(generator(11), "lecun", lead=(nets,))


def learned(net, theta, data, lr, steps=400):
    """Share of right test digits, (nets,): the median of five looks in the last 40 steps.

    With a learning rate of 0.3 a net may be thrown back by one step, to .12 or .56, and is back at
    .96 ten steps later: 2 of 32 nets of 16 layers were caught there by a single look at the end.
    Batch normalisation has the statistics of the whole training set.
    """
    training, test = data
    run = train(net, theta, *training[:2], SOFTMAX, steps=steps, optimizer=SGD(lr), batch=64,
                rng=generator(12), record=range(steps - 40, steps + 1, 10))  # fmt: skip
    return np.median([right(net, theta, data) for theta in run.thetas], axis=0)


def right(net, theta, data):
    training, test = data
    if isinstance(net, BatchNormNet):
        net, theta = net.plain, net.folded(theta, training.X)
    return accuracy(net.output(theta, test.X), test.Y)


def image(tanh, theta, gain, compensation):
    net = Net(tanh.sizes, "sigmoid")
    return net, net.pack(mean_field.sigmoid_image(tanh.layers(theta), gain, compensation))


def profile(net, theta, data):
    """|d loss / d z| of the hidden layers over that of the last one, (nets, layers)."""
    X, Y = (array[:64] for array in data[0][:2])
    passed = net.forward(theta, X)
    state = passed if isinstance(net, BatchNormNet) else passed.Z
    sizes = per_layer(norm, net.deltas(theta, state, SOFTMAX(passed.A[-1], Y)[1])[:-1])
    return sizes / sizes[:, -1:]


def test_c6_the_image_computes_the_same_and_has_the_same_gradient():
    """The row has .254 for the image (one net); 8 nets have .14 to .30, theory says .218."""
    data, tanh, theta = deep(16, 8)
    usual = Net(tanh.sizes, "sigmoid")
    net, same = image(tanh, theta, 4, 1)
    X = data[1].X
    assert np.abs(net.output(same, X) - tanh.output(theta, X)).max() <= 1e-12
    ours, theirs = profile(net, same, data), profile(tanh, theta, data)
    np.testing.assert_allclose(ours, theirs, rtol=1e-9)
    assert (ours[:, 0] > 0.1).all() and (ours[:, 0] < 0.4).all()
    std = profile(usual, theta, data)[:, 0]  # 3.4e-10
    assert np.exp(np.log(std).mean()) == pytest.approx(3.4e-10, rel=0.25)


def test_c6_usual_sigmoid_nets_of_ten_layers_do_not_learn():
    data, tanh, theta = deep(10, 8)
    assert (learned(Net(tanh.sizes, "sigmoid"), theta, data, 0.3) <= 0.25).all()


def test_c6_a_larger_gain_alone_is_not_enough():
    """.58 (.30 to .81) in the row; here .46 (.20 to .63): worse than any compensated net."""
    data, tanh, theta = deep(10, 8)
    rates = learned(*image(tanh, theta, 4, 0), data, 0.3)
    assert (rates < 0.9).all() and 0.2 < np.median(rates) < 0.8


def test_c6_gain_and_compensation_rescue_every_net():
    data, tanh, theta = deep(10, 8)
    assert (learned(*image(tanh, theta, 4, 1), data, 0.3) >= 0.90).all()
    assert (learned(tanh, theta, data, 0.1) >= 0.90).all()


def test_c6_sixteen_layers():
    """In the row, 600 steps: 4x gain alone .099, with compensation .963 (.950 to .972)."""
    data, tanh, theta = deep(16, 4)
    assert (learned(*image(tanh, theta, 4, 0), data, 0.3, 600) <= 0.25).all()
    assert (learned(*image(tanh, theta, 4, 1), data, 0.3, 600) >= 0.90).all()


def test_c6_batch_normalisation_rescues_too():
    """The row: gradient .51 at 16 layers (here of s, .32 to .51 in 8 nets), accuracy .977."""
    data, tanh, _ = deep(16, 4)
    net = BatchNormNet(tanh.sizes, "sigmoid")
    theta = net.init(generator(11), "lecun", lead=(4,))
    first = profile(net, theta, data)[:, 0]
    assert (first > 0.2).all() and (first < 1).all()
    assert (learned(net, theta, data, 0.1) >= 0.90).all()


# ---------------------------------------------------------------- D8: batch normalisation explodes


def factors(kind, act, width, seeds):
    """Of the squared gradient per layer, between layers 18 and 8 of 20, for each seed."""
    measured = []
    for seed in seeds:
        rng, net = generator(100 + seed), kind((width,) * 22, act)
        theta, X, dA = net.init(rng, "he"), *rng.standard_normal((2, width, width))
        passed = net.forward(theta, X)
        deltas = net.deltas(theta, passed if kind is BatchNormNet else passed.Z, dA)
        measured.append((norm(deltas[7]) / norm(deltas[17])) ** (2 / 10))
    return np.array(measured)


@pytest.mark.parametrize(
    ("act", "row", "within"),
    [("relu", 1.4669, 0.04), ("tanh", 1.17, 0.04), ("sigmoid", 1.03, 0.06), ("identity", 1, 0.06)],
)
def test_d8_the_factor_per_layer(act, row, within):
    """Measured at width 200: 1.456, 1.198, 1.060, 1.036, each +-.008.

    What the last two have above theory (1.034 and 1) is a matter of width: the linear net has 1.021
    at 400, 1.015 at 800.
    """
    predicted = mean_field.batch_norm_factor(act)
    assert predicted == pytest.approx(row, rel=0.01)
    np.testing.assert_allclose(factors(BatchNormNet, act, 200, range(4)), predicted, rtol=within)


def test_d8_the_relu_factor_at_a_hundred():
    """1.4738 in the row; 8 seeds 1.477 +-.017."""
    mean = np.exp(np.log(factors(BatchNormNet, "relu", 100, range(6))).mean())
    assert mean == pytest.approx(1.4738, rel=0.04)


def test_d8_without_normalisation_relu_is_fine():
    mean = np.exp(np.log(factors(Net, "relu", 200, range(6))).mean())
    assert mean == pytest.approx(1, rel=0.06)


def test_d8_a_linear_net_is_nearer_to_one_the_wider_it_is():
    narrow, wide = (np.log(factors(BatchNormNet, "identity", n, range(3))).mean()
                    for n in (50, 250))  # fmt: skip
    assert 0 < wide < 0.6 * narrow
