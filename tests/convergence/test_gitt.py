"""Titrations run and evaluated: the diffusivity that was put in, and how far off it is where Weppner & Huggins fail.

A pulse of duration τ into a film of thickness L reaches √(Dτ). The voxels have to resolve that, and the tolerances of
the time steps the pulse, which is a small part of the capacity.
"""

from __future__ import annotations

import numpy as np
import pytest
from builders import cell_parameters, host_phase, sphere_graph, straight, uniform_state
from film_case import run_film
from recorded import FACTS, Step, recorded
from small_cells import Piece, run

from catholyte.evaluation.gitt import apparent_diffusivity, diffusion_length, gitt
from catholyte.evaluation.pulses import root_fit
from catholyte.models.cathode import Cathode
from catholyte.models.control import CurrentControl
from catholyte.physics.constants import F, R
from catholyte.physics.kinetics import ConstantExchange
from catholyte.solve.frames import Settings

L, D, C_MAX, T = 1e-6, 1e-14, 4e4, 298.15
UNIT = L * L / D
TIGHT = ("solver.x_tolerance=1e-6", "solver.voltage_tolerance=0.001 mV")
SOLUTION = '{ law = "ideal-solution", U0 = "3.8 V" }'


def titration(path, depth, dx, *, n, way="discharge", pulses=2, rest=4.0, overrides=(), **properties):
    """Pulses of D τ/L² = ``depth`` that change x by ``dx`` each, with rests of ``rest``·L²/D; return what they give."""
    tau = depth * UNIT
    current = 0.1 * dx * F * C_MAX * L / tau  # mA/cm²
    sentence = f"GITT {way} at {current:.12g} mA/cm2 for {tau:.12g} s, rest for {rest * UNIT:.12g} s, "
    sentence += f"at most {pulses} pulses"
    properties = {"x": 0.3} | properties
    results = run_film(path, [sentence], n=n, L=L, D=D, c_max=C_MAX, overrides=(*TIGHT, *overrides), **properties)
    length, _ = diffusion_length(results)
    assert length == pytest.approx(L)
    found = gitt(results, length)
    assert len(found) == pulses
    return found


@pytest.mark.parametrize("way", ["discharge", "charge"])
@pytest.mark.parametrize(("depth", "n"), [(0.01, 120), (0.1, 60)])
def test_film_gives_back_its_diffusivity(tmp_path, depth, n, way):
    for pulse in titration(tmp_path / "r.results", depth, 0.005, n=n, way=way):
        assert pulse.diffusivity / D == pytest.approx(1.0, rel=0.01)
        assert pulse.doubts == ()


def test_a_constant_resistance_is_no_part_of_the_diffusivity(tmp_path):
    """Linear kinetics and a film: the jump is theirs, what follows is diffusion alone."""
    face = 'interfaces."active|electrolyte"'
    overrides = (
        f"{face}.kinetics.law=linear",
        f"{face}.kinetics.concentration=constant",
        f"{face}.film_resistance=20 ohm cm2",
    )
    for pulse in titration(tmp_path / "r.results", 0.1, 0.005, n=60, i0=2.0, overrides=overrides):
        assert pulse.diffusivity / D == pytest.approx(1.0, rel=0.01)
        half_cell = 0.5 * L / 60 / (F * C_MAX * D)
        assert pulse.resistance == pytest.approx(R * T / F / 2.0 + 2e-3 + half_cell, rel=1e-3)
        assert pulse.doubts == ()


@pytest.mark.parametrize(("depth", "ratio"), [(0.25, 0.995), (1.0, 0.695), (4.0, 0.197)])
def test_too_long_a_pulse_gives_too_small_a_diffusivity(tmp_path, depth, ratio):
    """The film fills up: E falls linearly in t and no longer with √t. At τ = L²/D a third is missing."""
    for pulse in titration(tmp_path / "r.results", depth, 0.02, n=60):
        assert pulse.diffusivity / D == pytest.approx(ratio, rel=0.01)
        assert ("pulse too long" in pulse.doubts) == (depth > 0.25)


def test_too_short_a_rest_is_seen(tmp_path):
    """What is left of the gradient of a pulse goes into ΔE_s of this one and not into the next: D is too large."""
    first, second = titration(tmp_path / "r.results", 0.1, 0.005, n=60, rest=0.1)
    assert first.diffusivity > 2.0 * D
    assert second.diffusivity > 1.3 * D
    assert "rest not relaxed" in first.doubts
    assert "rest not relaxed" in second.doubts


def surface(depth):
    """Surface of a film under constant flux, over its flux · L/D (Crank, eq. 4.55)."""
    k = np.pi * np.arange(1, 400)
    return depth + 1.0 / 3.0 - 2.0 * np.sum(np.exp(-(k**2) * np.asarray(depth)[:, None]) / k**2, axis=1)


def expected(x, dx, depth):
    """Return what Weppner & Huggins make of the exact transient of a film whose U is that of an ideal solution."""

    def U(x):
        return R * T / F * np.log((1.0 - x) / x)

    share = np.geomspace(1e-3, 1.0, 200)
    E = U(x + dx / depth * surface(share * depth))
    tau = depth * UNIT
    slope = root_fit(share * tau, E, (0.04, 1.0)).slope
    return apparent_diffusivity(tau, L, float(U(x + dx) - U(x)), slope * np.sqrt(tau))


@pytest.mark.parametrize("dx", [0.001, 0.004])
def test_a_bent_potential_curve_errs_in_the_direction_of_the_pulse(tmp_path, dx):
    """At x = 0.1 U(x) becomes flatter on discharge: D comes out too large there, too small on charge, as computed."""
    ratios = []
    for way, sign in (("discharge", 1.0), ("charge", -1.0)):
        options = {"n": 70, "way": way, "pulses": 1, "x": 0.1, "potential": SOLUTION}
        (pulse,) = titration(tmp_path / f"{way}.results", 0.02, dx, **options)
        ratios.append(pulse.diffusivity / D)
        assert ratios[-1] == pytest.approx(expected(0.1, sign * dx, 0.02) / D, rel=0.01)
    assert ratios[0] > 1.0 + 20.0 * dx
    assert ratios[1] < 1.0 - 20.0 * dx


# ------------------------------------------------------------------ sphere


def sphere(path, depth, *, n):
    """Pulse and rest of a sphere in shells, V/S = R/3, written down as a result; ``depth`` is D τ/(V/S)²."""
    radius, c_max, dx = 3.0 * L, C_MAX, 0.002
    host = host_phase(straight(), c_max=c_max, D=D, sigma=1e6)
    area = 4.0 * np.pi * radius**2
    options = {"sigma_i": 1e6, "i0": ConstantExchange(1e6), "cross_section": area}
    problem = Cathode(sphere_graph(n, radius), cell_parameters(host, **options))
    tau = depth * UNIT
    current = dx * problem.capacity.sum() / tau
    pieces = [Piece(CurrentControl(current), tau), Piece(CurrentControl(0.0), 30.0 * UNIT)]
    settings = Settings(x_tolerance=1e-6, voltage_tolerance=1e-6)
    u = uniform_state(problem, 0.4, 3.6)
    frames = [frame for frame, _ in run(problem, u, pieces, scale=1e-3 * current, settings=settings)]
    t, V = (np.array(each) for each in zip(*((f.t, f.evaluation.voltage) for f in frames), strict=True))
    turn = next(k for k in range(1, t.size) if frames[k].time_step == 0.0)
    steps = [
        Step([0.0, 1.0], 3.6, 0.0, kind="rest"),
        Step(t[:turn], V[:turn], current / area, role="gitt pulse"),
        Step(t[turn:] - t[turn], V[turn:], 0.0, kind="rest", role="gitt rest"),
    ]
    return recorded(path, steps, facts=FACTS | {"active_volume_m3_m2": L, "interface_area_m2_m2": 1.0})


def test_sphere(tmp_path):
    """Within 3 % while the pulse is short against the curvature; beyond, a term in t takes the curvature up."""
    short = sphere(tmp_path / "short.results", 1e-3, n=2000)
    assert gitt(short, L)[0].diffusivity / D == pytest.approx(0.978, rel=0.01)
    for depth, plain, bent in ((0.01, 0.930, 1.002), (0.1, 0.793, 1.017)):
        results = sphere(tmp_path / f"{depth}.results", depth, n=700)
        (line,), (curve,) = gitt(results, L), gitt(results, L, curvature=True)
        assert line.diffusivity / D == pytest.approx(plain, rel=0.01)
        assert "not linear in √t" in line.doubts or depth < 0.1
        assert curve.diffusivity / D == pytest.approx(bent, rel=0.01)
