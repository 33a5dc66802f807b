"""What grain boundaries, contacts and layers cost a mixed conductor: each carrier its own resistance, exactly."""

from __future__ import annotations

import numpy as np
import pytest
from builders import straight
from mixed_cells import DenseLayer, fixed, integrate, lithium, start, voltages
from small_cells import Piece, run, window

from catholyte.models.analysis import Analysis
from catholyte.models.control import CurrentControl, VoltageControl
from catholyte.models.parameters import Interface, Layer
from catholyte.solve.frames import Settings

#: of one boundary, to electrons and to ions, in Ω m²
TO_ELECTRONS, TO_IONS = 3e-3, 7e-3
BOUNDARY = Interface(contact_resistance=TO_ELECTRONS, ionic_resistance=TO_IONS)
#: times its size is a cell that takes up all lithium: 1e-6 of the current goes elsewhere
HUGE = 1e7


def grains(number: int, n: int):
    """Number the cells so that ``number`` boundaries cut the column into pieces."""
    return lambda cell: 1 + cell * (number + 1) // n


def settled(problem, i: float):
    """Return the last of three implicit steps that are far longer than L²/D."""
    return integrate(problem, CurrentControl(i), 3e7, x=0.5, current=i, settings=fixed(1e7, order=1))[-1]


def steady(layer: DenseLayer, reservoir: int, i: float) -> tuple[float, float]:
    """Return V and the potential of a reservoir, once all lithium ends up in that one cell of the layer."""

    def volumes(volume):
        volume[reservoir] *= HUGE
        return volume

    problem = DenseLayer(**{**vars(layer), "volumes": volumes}).model()
    last = settled(problem, i)
    x = lithium(problem, last.evaluation)
    return last.evaluation.voltage, float(straight(4.0, layer.slope)(x[reservoir], 0.0))


@pytest.mark.parametrize("number", [0, 1, 4])
def test_every_carrier_meets_its_own_resistance(number):
    """Lithium stored at the collector alone comes there as ions, stored at the electrolyte it meets the electrons."""
    i, n = 2.0, 20
    layer = DenseLayer(n=n, sigma_e=4e-3, sigma_i=1e-3, boundary=BOUNDARY, grain=grains(number, n))
    half = 0.5 * layer.L / n
    for reservoir, sigma_through, sigma_end, of_one in (
        (-1, layer.sigma_i, layer.sigma_e, TO_IONS),
        (0, layer.sigma_e, layer.sigma_i, TO_ELECTRONS),
    ):
        V, U = steady(layer, reservoir, i)
        resistance = (layer.L - half) / sigma_through + half / sigma_end + number * of_one
        assert (U - V) / i == pytest.approx(resistance, rel=1e-5)


def test_grains_without_resistance_are_no_boundaries():
    plain = DenseLayer()
    cut = DenseLayer(boundary=Interface(), grain=grains(3, plain.n))
    current = 0.5 * plain.charge / plain.time
    step = 0.05 * plain.time
    found = [
        voltages(integrate(at.model(), CurrentControl(current), 5 * step, current=current, settings=fixed(step)))
        for at in (plain, cut)
    ]
    np.testing.assert_array_equal(*found)


def test_losses_name_the_boundaries():
    """Ions that pass from grain to grain to the far end lose nothing else to contacts."""
    i, n, number = 2.0, 20, 4
    layer = DenseLayer(n=n, boundary=BOUNDARY, grain=grains(number, n))

    def volumes(volume):
        volume[-1] *= HUGE
        return volume

    problem = DenseLayer(**{**vars(layer), "volumes": volumes}).model()
    last = settled(problem, i)
    losses = Analysis(problem).losses(last.evaluation)
    assert losses["loss_contact"] == pytest.approx(i * number * TO_IONS, rel=1e-5)


# ------------------------------------------------------------------ layers at the electrolyte


def polarised(*layers: Layer, pieces=None, rate: float = 0.5):
    """Return times, voltages and currents of a protocol in equal steps on one layer of mixed conductor."""
    layer = DenseLayer(layers=layers, sigma_e=2e-3)
    problem = layer.model()
    i = rate * layer.charge / layer.time
    step = 0.02 * layer.time
    protocol = pieces(i, step) if pieces else [Piece(CurrentControl(i), 20 * step)]
    frames = [frame for frame, _ in run(problem, start(problem, 0.3), protocol, scale=i, settings=fixed(step))]
    t = np.array([frame.t for frame in frames])
    return t, voltages(frames), np.array([frame.evaluation.current for frame in frames]), layer.time


def there_and_back(i, step):
    return [
        Piece(CurrentControl(i), 6 * step),
        Piece(CurrentControl(0.0), 5 * step),
        Piece(CurrentControl(-0.5 * i), 5 * step),
        Piece(CurrentControl(2.0 * i), 3 * step),
    ]


def test_a_static_layer_adds_its_resistance():
    _, bare, i, _ = polarised(pieces=there_and_back)
    _, coated, _, _ = polarised(Layer("coating", 4e-3), Layer("space charge", 1e-3), pieces=there_and_back)
    np.testing.assert_allclose(bare - coated, 5e-3 * i, atol=1e-11, rtol=0.0)


@pytest.mark.parametrize("exponent", [0.5, 1.0])
def test_a_layer_grows_by_its_law_whatever_is_held(exponent):
    """ΔR = (k t)ⁿ through steps of time, kept over changes of the control: gain·√(t/after) for n = 1/2."""
    gain, after = 6e-3, 300.0
    growth = gain ** (1.0 / exponent) / after
    t, bare, i, _ = polarised(pieces=there_and_back)
    _, coated, _, _ = polarised(Layer("interphase", 1e-3, growth, exponent), pieces=there_and_back)
    grown = 1e-3 + gain * (t / after) ** exponent
    np.testing.assert_allclose(bare - coated, grown * i, atol=1e-11, rtol=0.0)
    assert np.ptp(grown) > 0.4 * gain


def test_a_layer_grows_while_the_voltage_is_held_and_at_rest():
    gain, after = 6e-3, 300.0
    layer = DenseLayer(layers=(Layer("interphase", 0.0, gain**2 / after),), sigma_e=2e-3)
    problem = layer.model()
    step = 0.02 * layer.time
    i = 0.5 * layer.charge / layer.time
    U = start(problem, 0.3)[-1]
    pieces = [
        Piece(VoltageControl(U - 0.05), 5 * step),
        Piece(CurrentControl(0.0), 5 * step),
        Piece(CurrentControl(i), 5 * step, window(3.0, 5.0)),
    ]
    for frame, _ in run(problem, start(problem, 0.3), pieces, scale=i, settings=fixed(step)):
        resistance = frame.evaluation.faces[0].layers
        assert float(resistance[0]) == pytest.approx(gain * np.sqrt(frame.t / after), rel=1e-10)


def test_adaptive_steps_grow_a_layer_exactly_too():
    gain, after = 6e-3, 300.0
    layer = DenseLayer(layers=(Layer("interphase", 0.0, gain**2 / after),), sigma_e=2e-3)
    i = 0.5 * layer.charge / layer.time
    frames = integrate(layer.model(), CurrentControl(i), 0.5 * layer.time, current=i, settings=Settings())
    steps = np.array([frame.time_step for frame in frames[1:]])
    assert steps.max() > 5.0 * steps.min()
    for frame in frames:
        resistance = frame.evaluation.faces[0].layers
        assert float(resistance[0]) == pytest.approx(gain * np.sqrt(frame.t / after), rel=1e-9)
