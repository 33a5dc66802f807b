"""GITT, HPPC and current interruption on transients whose resistances and diffusivities are known exactly."""

import numpy as np
import pytest
from recorded import FACTS, ONE_C, Step, constant, recorded, rest
from scipy.optimize import brentq

from catholyte.errors import InputError
from catholyte.evaluation.gitt import apparent_diffusivity, diffusion_length, gitt, gitt_columns
from catholyte.evaluation.hppc import hppc, hppc_columns
from catholyte.evaluation.interruption import interruption_columns, interruptions
from catholyte.evaluation.pulses import root_fit

F = 96485.33212
LENGTH = FACTS["active_volume_m3_m2"] / FACTS["interface_area_m2_m2"]  # 1 um
C_MAX = 5e4
ROOTS = np.array(
    [brentq(lambda b: b * np.cos(b) - np.sin(b), np.pi * k + 1e-9, np.pi * (k + 0.5)) for k in range(1, 400)]
)
TERMS = np.arange(1, 400)


def film(depth):
    """Crank (1975), eq. 4.55: surface of a film under constant flux, sealed behind; depth = D t / L²."""
    waves = TERMS * np.pi
    return depth + 1.0 / 3.0 - 2.0 * np.sum(np.exp(-(waves**2) * depth[:, None]) / waves**2, axis=1)


def sphere(depth):
    """Crank (1975), eq. 6.45: surface of a sphere of radius 3 L, so that V/S = L."""
    shell = depth[:, None] / 9.0
    return 3.0 * (shell[:, 0] * 3.0 + 0.2 - 2.0 * np.sum(np.exp(-(ROOTS**2) * shell) / ROOTS**2, axis=1))


def titration(path, *, D, tau, wait, shape=film, pulses=4, resistance=5e-3, current=0.5 * ONE_C, slope=1.0, **options):
    """A titration from exact transients: E = 4.2 − slope·x at the surface, behind a resistance [Ω m²]."""
    scale = current / FACTS["interface_area_m2_m2"] / (F * C_MAX) * LENGTH / D

    def response(t):
        return np.where(t > 1e-9 * tau, scale * shape(np.maximum(t, 0.0) * D / LENGTH**2), 0.0)

    pulse = np.concatenate([[0.0], np.geomspace(1e-4, 1.0, 60)]) * tau
    pause = np.concatenate([[0.0], np.geomspace(1e-4, 1.0, 60)]) * wait
    steps = [rest(0.1, 4.2)]
    for k in range(pulses):
        for kind, role, since, offset, i in (
            ("current", "gitt pulse", pulse, 0.0, current),
            ("rest", "gitt rest", pause, tau, 0.0),
        ):
            begins = np.arange(k + 1)[:, None] * (tau + wait)
            now = k * (tau + wait) + offset + since
            x = np.sum([response(now - begin) - response(now - begin - tau) for begin in begins.ravel()], axis=0)
            steps.append(Step(since, 4.2 - slope * x - i * resistance, i, kind=kind, role=role))
    return recorded(path, steps, **options)


def test_weppner_and_huggins():
    assert apparent_diffusivity(np.pi, 2.0, 3.0, 6.0) == pytest.approx(4.0 / np.pi**2)


def test_a_root_is_found_whatever_the_spacing():
    for time in (np.linspace(0.0, 100.0, 50), np.geomspace(1e-3, 100.0, 50)):
        fit = root_fit(time, 4.0 - 0.02 * np.sqrt(time), (0.0, 1.0))
        assert fit.slope == pytest.approx(-0.02)
        assert fit.intercept == pytest.approx(4.0)
        assert fit.linearity == pytest.approx(1.0)
        bent = root_fit(time, 4.0 - 0.02 * np.sqrt(time) + 1e-3 * time, (0.0, 1.0), curvature=True)
        assert bent.slope == pytest.approx(-0.02)


@pytest.mark.parametrize("sign", [1.0, -1.0])
@pytest.mark.parametrize("depth", [1e-3, 0.02, 0.2])
def test_film_gives_back_its_diffusivity(tmp_path, depth, sign):
    D = 3e-15
    tau = depth * LENGTH**2 / D
    wait = 4.0 * LENGTH**2 / D
    found = gitt(titration(tmp_path / "film.results", D=D, tau=tau, wait=wait, current=sign * 0.5 * ONE_C), LENGTH)
    assert len(found) == 4
    for pulse in found:
        assert pulse.diffusivity / D == pytest.approx(1.0, rel=0.005)
        assert pulse.resistance == pytest.approx(5e-3, rel=1e-6)
        assert pulse.depth == pytest.approx(depth, rel=0.01)
        assert pulse.doubts == ()
        assert pulse.steady * sign < 0.0


def test_sphere_gives_back_its_diffusivity_while_the_pulse_is_short(tmp_path):
    D = 1e-15
    wait = 20.0 * LENGTH**2 / D
    short = titration(tmp_path / "a.results", D=D, tau=1e-3 * LENGTH**2 / D, wait=wait, shape=sphere, pulses=2)
    long = titration(tmp_path / "b.results", D=D, tau=0.1 * LENGTH**2 / D, wait=wait, shape=sphere, pulses=2)
    assert gitt(short, LENGTH)[1].diffusivity / D == pytest.approx(1.0, rel=0.03)
    assert gitt(long, LENGTH)[1].diffusivity < 0.85 * D
    assert "not linear in √t" in gitt(long, LENGTH)[1].doubts
    assert gitt(long, LENGTH, curvature=True)[1].diffusivity / D == pytest.approx(1.0, rel=0.03)


def test_broken_conditions_are_named(tmp_path):
    D = 3e-15
    unit = LENGTH**2 / D
    long = gitt(titration(tmp_path / "long.results", D=D, tau=1.0 * unit, wait=4.0 * unit), LENGTH)
    assert "pulse too long" in long[1].doubts
    assert "not linear in √t" in long[1].doubts
    hasty = gitt(titration(tmp_path / "hasty.results", D=D, tau=0.1 * unit, wait=0.15 * unit), LENGTH)
    assert "rest not relaxed" in hasty[1].doubts
    flat = gitt(titration(tmp_path / "flat.results", D=D, tau=0.1 * unit, wait=4.0 * unit, slope=0.0), LENGTH)
    assert "flat or falling back" in flat[1].doubts
    assert np.isnan(flat[1].diffusivity)
    coarse = [rest(1.0, 4.0), constant(ONE_C, 0.1, 3.9, 3.8, points=3, role="gitt pulse"), rest(1.0, 3.9)]
    (few,) = gitt(recorded(tmp_path / "few.results", coarse), LENGTH)
    assert few.doubts == ("too few points",)


@pytest.mark.parametrize(("growth", "doubted"), [(1.005, False), (1.1, True)])
def test_a_bend_of_the_potential_curve_is_a_doubt(tmp_path, growth, doubted):
    """ΔE_s grows from pulse to pulse; at the surface each pulse goes three times as far."""
    t = np.linspace(0.0, 100.0, 60)
    relaxed, steady = 4.0, 0.01
    steps = [rest(1.0, relaxed)]
    for _ in range(5):
        steps.append(Step(t, relaxed - 0.1 - 3.0 * steady * np.sqrt(t / 100.0), ONE_C, role="gitt pulse"))
        relaxed -= steady
        steps.append(rest(1.0, relaxed, role="gitt rest"))
        steady *= growth
    pulses = gitt(recorded(tmp_path / "r.results", steps), LENGTH)
    assert [pulse.doubts == ("dE/dx not constant",) for pulse in pulses] == [doubted] * 5


def test_rests_that_are_missing(tmp_path):
    steps = [
        constant(ONE_C, 0.1, 4.0, 3.9, curves={"equilibrium_voltage": 4.1}, role="gitt pulse"),
        rest(1.0, 4.0, role="gitt rest"),
        constant(ONE_C, 0.1, 3.9, 3.8),
        constant(ONE_C, 0.1, 3.9, 3.8, role="gitt pulse"),
    ]
    first, last = gitt(recorded(tmp_path / "r.results", steps), LENGTH)
    assert first.relaxed[0] == pytest.approx(4.1)  # a run begins in equilibrium
    assert last.doubts[:2] == ("no rest before", "no rest behind")


def test_a_titration_spelled_out_is_read_as_one(tmp_path):
    steps = [rest(1.0, 4.0)]
    for k in range(3):
        steps += [constant(ONE_C, 0.1, 3.9 - 0.1 * k, 3.8 - 0.1 * k), rest(1.0, 3.9 - 0.1 * k)]
    results = recorded(tmp_path / "r.results", steps)
    assert gitt(results, LENGTH) == ()
    assert [pulse.steady for pulse in gitt(results, LENGTH, spelled_out=True)] == pytest.approx([-0.1] * 3)
    assert len(interruptions(results, spelled_out=True)) == 3
    assert interruptions(results) == ()


def test_length_and_area(tmp_path):
    results = recorded(tmp_path / "r.results", [constant(ONE_C, 1.0, 4.0, 3.0)])
    assert diffusion_length(results)[0] == pytest.approx(1e-6)
    assert diffusion_length(results, length="0.5 um")[0] == pytest.approx(5e-7)
    assert diffusion_length(results, area="1 cm2")[0] == pytest.approx(20e-6)  # the geometric area of the cell
    assert diffusion_length(results, area="0.5 m2/g")[0] == pytest.approx(20e-6 / 25.0)
    bare = recorded(tmp_path / "bare.results", [constant(ONE_C, 1.0, 4.0, 3.0)], facts={"active_volume_m3_m2": None})
    with pytest.raises(InputError, match="does not say the volume"):
        diffusion_length(bare)
    with pytest.raises(InputError, match="both give V/S"):
        diffusion_length(results, area="1 cm2", length="1 um")
    with pytest.raises(InputError, match="greater than zero"):
        diffusion_length(results, length="-1 um")
    with pytest.raises(InputError, match="two rising shares"):
        gitt(results, 1e-6, window=(0.5, 0.1))


def test_the_table_of_a_titration(tmp_path):
    D, unit = 3e-15, LENGTH**2 / 3e-15
    found = gitt(titration(tmp_path / "film.results", D=D, tau=0.1 * unit, wait=4.0 * unit), LENGTH)
    columns = {each.name: each for each in gitt_columns(found, FACTS["active_areal_mass_kg_m2"])}
    assert columns["R0"].entries == pytest.approx((50.0,) * 4)  # Ω cm²
    assert columns["capacity"].entries[1] == pytest.approx(0.5 * 0.1 * unit / 3600.0 * 200.0)
    assert columns["D"].texts() == [f"{pulse.diffusivity:.2e}" for pulse in found]


# ------------------------------------------------------------------ HPPC and interruption


def circuit(t, i, *, R0=2e-3, R1=3e-3, tau=4.0, U=4.0):
    """Voltage of a source behind R0 and R1 ‖ C from rest [Ω m², s]."""
    return U - i * (R0 + R1 * (1.0 - np.exp(-t / tau)))


@pytest.fixture
def power_test(tmp_path):
    t = np.concatenate([[0.0], np.geomspace(0.01, 10.0, 200)])
    steps = []
    for k in range(3):
        U = 4.1 - 0.2 * k
        steps += [
            rest(1.0, U, role="hppc relax"),
            Step(t, circuit(t, 2.0 * ONE_C, U=U), 2.0 * ONE_C, role="hppc discharge"),
            rest(0.01, U, role="hppc rest"),
            Step(t, circuit(t, -1.5 * ONE_C, U=U), -1.5 * ONE_C, role="hppc charge"),
            constant(ONE_C, 0.2, U, U - 0.2, role="hppc level"),
        ]
    return recorded(tmp_path / "hppc.results", steps)


def test_pulse_resistances_of_a_circuit(power_test):
    found = hppc(power_test, times=(0.0, 1.0, 30.0))
    assert [(pulse.level, pulse.direction) for pulse in found] == [
        (level, direction) for level in (1, 2, 3) for direction in ("discharge", "charge")
    ]
    for pulse in found:
        at_once, second, beyond = pulse.resistances
        assert at_once == pytest.approx(2e-3)
        assert second == pytest.approx(2e-3 + 3e-3 * (1.0 - np.exp(-0.25)), rel=1e-3)
        assert np.isnan(beyond)
        assert pulse.final == pytest.approx(2e-3 + 3e-3 * (1.0 - np.exp(-2.5)))
    passed = [pulse.utilisation for pulse in found if pulse.direction == "discharge"]
    assert np.diff(passed) == pytest.approx([0.2 + 0.5 * 10.0 / 3600.0] * 2)
    columns = {each.name: each for each in hppc_columns(found, (0.0, 1.0, 30.0))}
    assert columns["R(0 s)"].entries == pytest.approx((20.0,) * 6)
    assert columns["R(30 s)"].texts() == ["–"] * 6
    with pytest.raises(InputError, match="not negative"):
        hppc(power_test, times=(-1.0,))


def test_levels_upwards_begin_with_the_charge_pulse(tmp_path):
    steps = []
    for _ in range(2):
        steps += [
            constant(-ONE_C, 0.01, 3.9, 4.0, role="hppc charge"),
            rest(0.01, 3.8, role="hppc rest"),
            constant(ONE_C, 0.01, 3.7, 3.6, role="hppc discharge"),
            constant(-ONE_C, 0.1, 3.9, 4.0, role="hppc level"),
            rest(0.01, 3.8, role="hppc relax"),
        ]
    found = hppc(recorded(tmp_path / "r.results", steps))
    assert [(pulse.level, pulse.direction) for pulse in found] == [
        (1, "charge"), (1, "discharge"), (2, "charge"), (2, "discharge"),
    ]  # fmt: skip


def test_pulses_are_no_half_cycles(power_test):
    from catholyte.evaluation.halfcycles import half_cycles

    (half,) = half_cycles(power_test)
    assert len(half.parts) == 3


@pytest.mark.parametrize("sign", [1.0, -1.0])
def test_interruption_splits_ohmic_and_slow(tmp_path, sign):
    i, R0, R1 = sign * 0.7 * ONE_C, 2e-3, 3e-3
    t = np.concatenate([[0.0], np.geomspace(0.01, 60.0, 100)])
    steps = [
        constant(i, 0.1, 4.0 - i * (R0 + R1), 4.0 - i * (R0 + R1)),
        Step(t, 4.0 - i * R1 * np.exp(-t / 4.0), 0.0, kind="rest", role="interruption"),
        constant(i, 0.1, 4.0, 4.0),
    ]
    (found,) = interruptions(recorded(tmp_path / "r.results", steps))
    assert found.ohmic == pytest.approx(R0)
    assert found.slow == pytest.approx(R1, rel=1e-5)
    assert found.duration == pytest.approx(60.0)
    assert abs(found.drift) < 1e-6
    columns = {each.name: each for each in interruption_columns((found,))}
    assert columns["ohmic resistance"].entries == pytest.approx((20.0,))
