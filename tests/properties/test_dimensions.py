"""Every law has the dimension it claims: with units where it is algebra, in other units where solved.

A change of units multiplies every quantity by the factor of its dimension. Volts, kelvins and site fractions
are kept, since RT/F is built in; the ampere, the metre and the second may be anything.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pint
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from small_cells import (
    NAMES,
    Constants,
    Piece,
    T,
    composite,
    lithiation,
    parameters,
    percolating,
    run,
    solid_solution,
    state,
)

from catholyte.mesh.voxels import voxel_graph
from catholyte.models.cathode import Cathode
from catholyte.models.conduction import effective_conductivity
from catholyte.models.control import CurrentControl
from catholyte.models.parameters import Lumped
from catholyte.physics.arrhenius import arrhenius
from catholyte.physics.constants import F, R
from catholyte.physics.equilibrium import IdealSolution
from catholyte.physics.interface import Reaction, face_current
from catholyte.physics.kinetics import ButlerVolmer, ConstantExchange, Linear, SymmetricExchange
from catholyte.physics.transport import Diffusion, MixedConduction, Uniform

unit = pint.UnitRegistry()
Q = unit.Quantity
FARADAY, GAS = Q(F, "C/mol"), Q(R, "J/mol/K")
X = np.array([0.2, 0.5, 0.7])

factors = st.floats(-3, 3).map(lambda a: float(10.0**a))
checked = settings(max_examples=10, deadline=None, derandomize=True)


# ------------------------------------------------------------------ laws that are algebra, checked with pint


def test_constants_have_their_units():
    assert (1 * FARADAY).to("A s/mol").m == pytest.approx(96485.33, rel=1e-6)
    assert (GAS * Q(T, "K") / FARADAY).to("V").m == pytest.approx(0.025693, rel=1e-4)


def test_diffusion_carries_amperes():
    """F·w is a current per length, its slope too, and depletion is a fraction per current density."""
    D, c_max, d = Q(3e-15, "m^2/s"), Q(49.0, "mol/L"), Q(0.2, "um")
    law = Diffusion(D.to("m^2/s").m, c_max.to("mol/m^3").m)
    assert law.potential(X, T) == pytest.approx((FARADAY * c_max * D * X).to("A/m").m)
    assert law.slope(X, T) == pytest.approx(np.full(3, (FARADAY * c_max * D).to("A/m").m))
    distance = np.array([d.to("m").m])
    assert law.depletion(distance) == pytest.approx((d / (FARADAY * c_max * D)).to("m^2/A").m)


def test_ion_conduction_carries_amperes():
    sigma, d = Q(0.07, "mS/cm"), Q(0.2, "um")
    law = MixedConduction(Uniform(1e3), Uniform(sigma.to("S/m").m), solid_solution)
    step = 1e-6
    slope = (solid_solution(X + step, T) - solid_solution(X - step, T)) / (2 * step)
    assert law.slope(X, T) == pytest.approx((-sigma * Q(slope, "V")).to("A/m").m, rel=1e-6)
    resistance, _ = law.inner(np.array([d.to("m").m]), np.array([0.5]), T)
    assert resistance == pytest.approx((d / sigma).to("ohm m^2").m)


def test_both_transport_laws_are_one_for_the_matching_diffusivity():
    """D = −(σ_i/F)·dU/dc: the same slope of the Kirchhoff potential, the same loss over a half-cell."""
    sigma, c_max = 0.01, 49000.0
    ion = MixedConduction(Uniform(1e3), Uniform(sigma), solid_solution)
    dU = solid_solution(0.5 + 1e-30j, T).imag / 1e-30
    fick = Diffusion(-sigma / F * dU / c_max, c_max)
    half = np.array([0.5])
    assert ion.slope(half, T) == pytest.approx(fick.slope(half, T))
    distance = np.array([1e-7])
    assert ion.inner(distance, half, T)[0] == pytest.approx(-dU * fick.depletion(distance))


def test_lumped_losses_are_volts():
    """Against the same law written with units, at both ends of asinh; the slope is an area resistance."""
    i_counter, R_series, R_counter = Q(2.0, "mA/cm^2"), Q(10.0, "ohm cm^2"), Q(3.0, "ohm cm^2")
    law = Lumped(R_series.to("ohm m^2").m, R_counter.to("ohm m^2").m, i_counter.to("A/m^2").m)
    thermal = GAS * Q(T, "K") / FARADAY
    for i in (Q(1e-3, "mA/cm^2"), Q(50.0, "mA/cm^2")):
        counter, series, slope = law.drop(i.to("A/m^2").m, T)
        kinetics = 2.0 * thermal * np.arcsinh((0.5 * i / i_counter).to("").m)
        assert counter == pytest.approx((kinetics + i * R_counter).to("V").m)
        assert series == pytest.approx((i * R_series).to("V").m)
        h = Q(1e-6, "A/m^2")
        ahead, behind = (sum(law.drop((i + s * h).to("A/m^2").m, T)[:2]) for s in (1, -1))
        assert slope == pytest.approx((Q(ahead - behind, "V") / (2 * h)).to("ohm m^2").m, rel=1e-4)


def test_arrhenius_takes_joules_per_mole():
    E_a, T_ref = (Q(0.3, "eV") * unit.avogadro_constant).to("J/mol"), Q(298.15, "K")
    exponent = (-E_a / GAS * (1 / Q(333.15, "K") - 1 / T_ref)).to("").m
    assert arrhenius(7.0, E_a.m, 333.15, T_ref.m) == pytest.approx(7.0 * np.exp(exponent))


def test_the_ideal_solution_is_in_volts():
    """One Margules term of A J/mol adds −(A/F)·(1−2x): the derivative of the molar energy by x, in volts."""
    A = Q(5.0, "kJ/mol")
    law = IdealSolution(3.9, (A.to("J/mol").m,))
    ideal = Q(3.9, "V") + GAS * Q(T, "K") / FARADAY * np.log((1 - X) / X)
    excess = -(A * (1 - 2 * X)) / FARADAY
    assert law(X, T) == pytest.approx((ideal + excess).to("V").m)


@pytest.mark.parametrize("law", [ButlerVolmer(), ButlerVolmer(0.3), Linear()])
def test_small_overpotentials_meet_one_resistance(law):
    """Every rate law has the charge-transfer resistance RT/(F·i0), whatever its shape."""
    reaction = Reaction(solid_solution, law, ConstantExchange(2.0), T)
    U = solid_solution(X, T)
    found = face_current(reaction, U + 1e-7, X, np.full(3, 1e-12), np.zeros(3))
    resistance = (GAS * Q(T, "K") / FARADAY / Q(2.0, "A/m^2")).to("ohm m^2").m
    assert found.i == pytest.approx(1e-7 / resistance, rel=1e-5)
    assert found.conductance == pytest.approx(1.0 / resistance, rel=1e-5)


# ------------------------------------------------------------------ laws that are solved, in other units


@checked
@given(factors, st.sampled_from([ButlerVolmer(), ButlerVolmer(0.7), Linear()]), st.floats(-0.3, 0.3))
def test_the_face_current_has_the_unit_of_the_exchange_current(a, law, drive):
    """Current densities in units 1/a: i0 → a·i0, R → R/a, q → q/a give i → a·i at the same voltages."""

    def reaction(s):
        return Reaction(solid_solution, law, SymmetricExchange(3.0 * s), T)

    depletion, resistance = np.full(3, 2e-3), np.full(3, 5e-3)
    delta = solid_solution(X, T) + drive
    one, other = (
        face_current(
            Reaction(solid_solution, law, SymmetricExchange(3.0 * s), T),
            delta,
            X,
            resistance / s,
            depletion / s,
        )
        for s in (1.0, a)
    )
    for name in ("i", "conductance", "di_dx"):
        assert getattr(other, name) == pytest.approx(a * getattr(one, name), rel=1e-9, abs=1e-15 * a)
    for name in ("x_s", "U_s", "eta"):
        assert getattr(other, name) == pytest.approx(getattr(one, name), rel=1e-9, abs=1e-14)


BASE = Constants(sigma_i=0.01, sigma_e=0.05, D=4e-15, i0=0.5, film=1e-3, contact=1e-4)
IMAGE = composite(4, seed=2)


def cell(constants, edge, lumped):
    graph = percolating(voxel_graph(IMAGE, (edge,) * 3, NAMES))
    area = IMAGE.shape[1] * IMAGE.shape[2] * edge**2
    return Cathode(graph, parameters(replace(constants, lumped=lumped), area))


def discharged(problem, current, seconds):
    *_, (frame, _) = run(problem, state(problem, 0.3), [Piece(CurrentControl(current), seconds)], scale=1e-3 * current)
    return frame.t, frame.charge, frame.evaluation.voltage, lithiation(problem, frame.evaluation)


@checked
@given(factors, factors, factors)
def test_a_discharge_does_not_depend_on_units(metre, second, ampere):
    """A cell stated in other units of length, time and current discharges through the same voltages.

    Dimensions: σ A/(V m), D m²/s, c_max F A s/m³, i0 A/m², area resistances V m²/A.
    """
    lumped = Lumped(2e-3, 1e-3, 8.0)
    one = discharged(cell(BASE, 0.5e-6, lumped), 4e-12, 900.0)
    area = metre**2 / ampere
    scaled = replace(
        BASE,
        sigma_i=BASE.sigma_i * ampere / metre,
        sigma_e=BASE.sigma_e * ampere / metre,
        sigma_carbon=BASE.sigma_carbon * ampere / metre,
        D=BASE.D * metre**2 / second,
        c_max=BASE.c_max * ampere * second / metre**3,
        i0=BASE.i0 / area,
        film=BASE.film * area,
        contact=BASE.contact * area,
    )
    other = discharged(
        cell(scaled, 0.5e-6 * metre, Lumped(2e-3 * area, 1e-3 * area, 8.0 / area)),
        4e-12 * ampere,
        900.0 * second,
    )
    assert other[0] == pytest.approx(one[0] * second, rel=1e-12)
    assert other[1] == pytest.approx(one[1] * ampere * second, rel=1e-7)
    assert other[2] == pytest.approx(one[2], abs=2e-4)
    assert other[3] == pytest.approx(one[3], abs=2e-5)


@checked
@given(factors, factors)
def test_effective_conductivity_has_the_unit_of_a_conductivity(metre, siemens):
    values = []
    for length, conductance in ((1.0, 1.0), (metre, siemens)):
        edge = 1e-6 * length
        graph = voxel_graph(IMAGE, (edge,) * 3, NAMES)
        unit_of_sigma = conductance / length
        found = effective_conductivity(
            graph,
            {"electrolyte": 0.1 * unit_of_sigma, "active": 3.0 * unit_of_sigma},
            length=IMAGE.shape[0] * edge,
            cross_section=IMAGE.shape[1] * IMAGE.shape[2] * edge**2,
            contact_resistance={frozenset(("electrolyte", "active")): 1e-6 * length**2 / conductance},
        )
        values.append(found.value / unit_of_sigma)
    assert values[0] > 0.0
    assert values[1] == pytest.approx(values[0], rel=1e-8)
