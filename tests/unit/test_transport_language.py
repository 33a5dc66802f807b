"""One transport language: conductivity and diffusivity of a host, and what a dense layer of it takes."""

import json
import math
from dataclasses import replace

import numpy as np
import pytest

from catholyte.commands.materials import materials
from catholyte.errors import InputError
from catholyte.materials import load_material
from catholyte.materials.transport import DUAL_CONDUCTIVE, transport
from catholyte.physics import mixed_transport as mixed
from catholyte.physics.constants import F, R
from catholyte.physics.dense_layer import DenseHost, cumulative, highest_current, utilisation
from catholyte.physics.equilibrium import Constant, IdealSolution, Linear, slope

T = 298.15
C_MAX = 20e3
L = 50e-6


def dense(sigma_e, sigma_i, inclination=0.7, points=401):
    """A host with a straight U(x) over the whole of its lithiation, so that D is the same everywhere."""
    x = np.linspace(0.0, 1.0, points)
    U = 3.0 - inclination * x
    sigma_a = 1.0 / (1.0 / sigma_e + 1.0 / sigma_i)
    alike = np.ones(points)
    ions = sigma_i / (sigma_e + sigma_i)
    return DenseHost(x, U, cumulative(sigma_a * alike, -U), ions * alike, alike / (sigma_e + sigma_i))


# ------------------------------------------------------------------------------------------------- relations


def test_slow_carrier_decides():
    assert mixed.ambipolar_conductivity(1e9, 0.04) == pytest.approx(0.04)
    assert mixed.ambipolar_conductivity(0.04, math.inf) == pytest.approx(0.04)
    assert mixed.ambipolar_conductivity(0.06, 0.03) == pytest.approx(0.02)
    assert mixed.transference_number(0.06, 0.03) == pytest.approx(2 / 3)


def test_ideal_solution_has_the_diffusivity_of_its_jumps():
    """In an ideal lattice gas D = D_σ/(1 − x), and σ ∝ x(1 − x) makes D the same everywhere."""
    x = np.linspace(0.05, 0.95, 19)
    dU = slope(IdealSolution(3.7), x, T)
    assert mixed.thermodynamic_factor(x, dU, T) == pytest.approx(1.0 / (1.0 - x))
    sigma = 0.3 * x * (1.0 - x)
    found = mixed.thermodynamic_factor(x, dU, T) * mixed.component_diffusivity(sigma, x * C_MAX, T)
    assert found == pytest.approx(0.3 * R * T / (F**2 * C_MAX))
    assert mixed.chemical_diffusivity(sigma, dU, C_MAX) == pytest.approx(found)


@pytest.mark.parametrize("sigma_e", [0.02, 1.0, 1e4])
def test_conductivity_and_diffusivity_say_the_same(sigma_e):
    sigma_i = np.array([1e-6, 1e-2, 5.0])
    D = mixed.chemical_diffusivity(mixed.ambipolar_conductivity(sigma_e, sigma_i), -0.4, C_MAX)
    back = mixed.ionic_of_ambipolar(mixed.conductivity_of_diffusion(D, -0.4, C_MAX), sigma_e)
    assert back == pytest.approx(sigma_i)


def test_what_does_not_follow_is_not_a_number():
    assert np.isnan(mixed.conductivity_of_diffusion(1e-15, [0.0, 0.1], C_MAX)).all()
    assert np.isnan(mixed.ionic_of_ambipolar(0.2, 0.1))


def test_constant_flux_series():
    """Early, the face sees a half-space, 2·sqrt(t/π); late, the profile of 1/3 above the mean; the mean is t always."""
    assert mixed.slab_under_constant_flux(0.0, 1e-3, terms=2000) == pytest.approx(
        2 * math.sqrt(1e-3 / math.pi), rel=1e-3
    )
    assert mixed.slab_under_constant_flux([0.0, 1.0], 2.0) == pytest.approx([2 + 1 / 3, 2 - 1 / 6])
    z = (np.arange(1000) + 0.5) / 1000
    assert np.mean(mixed.slab_under_constant_flux(z, 0.05)) == pytest.approx(0.05, rel=1e-5)


# ---------------------------------------------------------------------------------------------- dense layers


@pytest.mark.parametrize("share", [0.0, 0.3, 1.0], ids=["electrons-fast", "both", "ions-fast"])
@pytest.mark.parametrize("flux", [0.6, 2.0, 5.0])
def test_utilisation_by_the_series(share, flux):
    """Electrons enter at one face and ions at the other, so the lithiation is a sum of two constant-flux slabs."""
    from scipy.optimize import brentq

    host = dense(*{0.0: (1e9, 0.05), 0.3: (0.05 / 0.3, 0.05 / 0.7), 1.0: (0.05, 1e9)}[share], inclination=0.05)
    current = flux * host.W[-1] / L

    def full(t):
        near, far = mixed.slab_under_constant_flux([0.0, 1.0], t)
        return flux * max((1 - share) * near + share * far, share * near + (1 - share) * far) - 1.0

    assert utilisation(host, L, current) == pytest.approx(flux * brentq(full, 1e-6, 3.0), abs=2e-3)


def test_utilisation_converges_with_the_cells():
    host = dense(1e9, 0.05, inclination=0.05)
    finest = utilisation(host, L, 3.0 * host.W[-1] / L, cells=256)
    errors = [abs(utilisation(host, L, 3.0 * host.W[-1] / L, cells=n) - finest) for n in (8, 16)]
    assert errors[1] < 0.35 * errors[0]


def test_highest_current_of_fast_electrons_is_exact():
    """80 % while the face is i·L/(3W) ahead of the mean: i = 0.6·W/L, and the same for fast ions."""
    for pair in ((1e9, 0.04), (0.04, 1e9)):
        host = dense(*pair)
        assert highest_current(host, L) == pytest.approx(0.6 * host.W[-1] / L, rel=6e-3)
    assert highest_current(dense(1e9, 0.04), L / 2) == pytest.approx(2 * highest_current(dense(1e9, 0.04), L), rel=6e-3)


def test_ohmic_drop_ends_a_thick_layer_of_poor_conductors():
    """A steep U(x) keeps the lithiation even: the polarisation is that of a resistor, which shares the current by σ."""
    host = dense(2e-3, 1e-3, inclination=30.0)
    thick = 5e-3
    resistance = thick / 3e-3
    assert utilisation(host, thick, 0.45 / resistance * 0.5) > 0.9
    assert utilisation(host, thick, 1.2 * 0.5 / resistance) == 0.0


# -------------------------------------------------------------------------------------------------- materials


def test_dual_conductor_at_both_ends():
    found = transport(load_material("LTGPSSe"), T, L)
    c_max = load_material("LTGPSSe").property("maximum_concentration").value
    assert found.given == "sigma_i"
    assert [point.x for point in found.points] == pytest.approx([0.02, 0.5, 0.98])
    for point in found.points:
        sigma_i, sigma_e = 0.022 * 3**point.x, 24.2 * (412 / 242) ** point.x
        assert point.sigma_i == pytest.approx(sigma_i)
        expected = sigma_i * sigma_e / (sigma_i + sigma_e) * 0.7 / (F * c_max)
        assert [point.D, point.thermodynamic_factor * point.D_sigma] == pytest.approx([expected] * 2)
        assert point.t_e > 0.998
    assert found.diffusion_time == pytest.approx(L**2 / found.middle.D)


def test_either_gives_the_other():
    given = load_material("LTGPSSe").override(sigma_i=0.04, sigma_e=2.0)
    D = transport(given, T, L).middle.D
    properties = {name: each for name, each in given.override(D=D).properties.items() if name != "sigma_i"}
    turned = transport(replace(given, properties=properties), T, L)
    assert turned.given == "D"
    assert turned.middle.sigma_i == pytest.approx(0.04)
    assert turned.highest_rate == pytest.approx(transport(given, T, L).highest_rate, rel=6e-3)


def test_rate_of_a_straight_potential():
    """With constant D and fast electrons 80 % of the 96 % considered pass at 0.6·0.96·D/L² per second."""
    found = transport(load_material("LTGPSSe").override(sigma_i=0.04, sigma_e=1e7), T, L)
    assert found.highest_rate == pytest.approx(0.6 * 0.96 * 3600.0 * found.middle.D / L**2, rel=6e-3)


def test_missing_stays_missing():
    bare = transport(load_material("FeCl3"), T, L)
    assert (bare.given, bare.middle.D, bare.middle.sigma_i, bare.diffusion_time, bare.highest_rate) == (None,) * 5
    bound = transport(load_material("Li14Mn2S9"), T, L)
    assert bound.electrons_fast
    assert bound.middle.t_e is None
    assert bound.highest_rate is not None


def test_slow_electrons_hold_the_diffusivity_down():
    found = transport(load_material("Li3TiCl6"), T, L).middle
    assert found.sigma_a == pytest.approx(7.3e-5, rel=1e-3)
    assert found.t_e < 1e-3


@pytest.mark.parametrize("law", [Constant(3.4), Linear(3.5, 3.5)])
def test_flat_potential_never_divides_by_zero(law):
    flat = load_material("LTGPSSe").override(equilibrium_potential=law)
    found = transport(flat, T, L)
    assert (found.middle.D, found.D_mean, found.middle.thermodynamic_factor) == (0.0, 0.0, 0.0)
    assert (found.sigma_a_mean, found.diffusion_time, found.highest_rate) == (None, None, None)
    by_D = transport(load_material("VCl3").override(equilibrium_potential=law), T, L)
    assert by_D.middle.sigma_i is None
    assert by_D.diffusion_time == pytest.approx(L**2 / 1e-14)


def test_reported_values_stand_beside_what_follows():
    cubic = transport(load_material("Li2FeCl4-cubic"), T, L)
    (diffusivity,) = cubic.comparisons
    assert diffusivity.here == cubic.middle.D
    assert diffusivity.ratio[0] == pytest.approx(2.8e-14 / cubic.middle.D)
    oxide = transport(load_material("LiNi0.8Co0.2O2"), T, L)
    (conductivity,) = oxide.comparisons
    low, high = conductivity.ratio
    assert low > 1e5
    assert high / low == pytest.approx(0.42 / 0.36)
    assert conductivity.implies[0] == pytest.approx(1e-17 * low, rel=1e-3)


def test_only_hosts_have_transport():
    for name in ("I2-carbon", "Li6PS5Cl"):
        with pytest.raises(InputError, match="one host"):
            transport(load_material(name), T, L)


# ------------------------------------------------------------------------------------------------ the command


def test_json_has_the_numbers_and_null_where_one_is_missing(capsys):
    materials("LTGPSSe", transport=True, thickness="20 um", form="json")
    facts = json.loads(capsys.readouterr().out)
    found = transport(load_material("LTGPSSe"), T, 20e-6)
    assert facts["row_of_table"] == 1
    assert facts["half-way"]["D_cm2_s"] == pytest.approx(1e4 * found.middle.D)
    assert facts["half-way"]["sigma_i_mS_cm"] == pytest.approx(10 * found.middle.sigma_i)
    assert facts["highest_C_rate_per_h"] == pytest.approx(found.highest_rate)
    materials("FeCl3", transport=True, form="json")
    assert json.loads(capsys.readouterr().out)["half-way"]["D_cm2_s"] is None


def test_table_starts_with_the_rows_of_the_review(capsys):
    materials(transport=True, form="json")
    names = [each["material"] for each in json.loads(capsys.readouterr().out)]
    assert tuple(names[: len(DUAL_CONDUCTIVE)]) == DUAL_CONDUCTIVE
    assert "NCM811" in names
    assert "I2-carbon" not in names


def test_report_says_missing(capsys):
    materials("FeCl3", transport=True)
    assert "missing" in capsys.readouterr().out
    materials("FeCl3")
    shown = capsys.readouterr().out
    assert {line.split()[0] for line in shown.splitlines() if "missing" in line} == {"sigma_e", "sigma_i"}


@pytest.mark.parametrize(
    ("options", "key"),
    [
        ({"thickness": "50 um"}, "--thickness"),
        ({"temperature": "25 degC"}, "--temperature"),
        ({"form": "json"}, "--format"),
        ({"form": "yaml", "transport": True}, "--format"),
        ({"thickness": "0 um", "transport": True}, "--thickness"),
        ({"thickness": "50", "transport": True}, "--thickness"),
    ],
)
def test_faulty_options_are_refused(options, key):
    with pytest.raises(InputError) as caught:
        materials("LTGPSSe", **options)
    assert caught.value.key == key


# --------------------------------------------------------------------------------------------- the full model

CELL = """
title = "dense"
[mesh]
laminate = { voxel_size = "1 um", stack = [["active", "50 um"]] }
separator = { thickness = "1 um", material = "Li6PS5Cl", sigma_i = "1e5 S/m" }
[phases]
active = { material = "LTGPSSe" }
[interfaces."active|separator"]
kinetics = { law = "fast" }
[cell]
counter = "Li-In"
initial = { lithiation = 0.02 }
[experiment]
steps = ["Discharge at RATEC until 2.2132 V"]
"""


def test_the_solver_finds_the_same_utilisation(tmp_path):
    """Run at the highest rate, the layer is full at the face (U = 2.214 V, less 1 mV of ohmic drop) after 80 %."""
    from catholyte.build import build
    from catholyte.case import read_case
    from catholyte.results import Results
    from catholyte.simulation import Simulation

    rate = transport(load_material("LTGPSSe"), T, L).highest_rate
    path = tmp_path / "case.toml"
    path.write_text(CELL.replace("RATE", f"{rate:.4f}"), encoding="utf-8")
    Simulation(build(read_case(path))).run(tmp_path / "run.results")
    capacity = Results.open(tmp_path / "run.results").summary()["discharge_capacity_mAh_g"]
    assert capacity == pytest.approx(0.8 * 0.96 * 250.0, rel=0.01)
