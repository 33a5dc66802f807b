"""What a case says of interfaces and of transport inside its phases: every fault is answered as a user reads it."""

import pytest

from catholyte.build import build
from catholyte.build.cell import load_materials, phase_parameters
from catholyte.case import parse_case
from catholyte.errors import InputError, InputErrors
from catholyte.physics.constants import F
from catholyte.physics.transport import Diffusion, MixedConduction

T = 298.15
CASE = """
title = "a mixed conductor beside an ordinary active material, carbon and electrolyte"
[mesh]
laminate = { voxel_size = "1 um", stack = [["salt", "3 um"], ["mixed", "5 um"], ["other", "2 um"], ["carbon", "1 um"]] }
separator = "2 um"
[phases]
mixed = { material = "LTGPSSe" }
other = { material = "NCM811" }
carbon = { material = "carbon" }
salt = { material = "Li6PS5Cl" }
[cell]
counter = "Li"
initial = { voltage = "2.5 V" }
[experiment]
steps = ["Rest for 1 minute"]
"""


def case(extra="", *overrides):
    return parse_case(CASE + extra, overrides)


def refusals(function, *args):
    with pytest.raises((InputError, InputErrors)) as caught:
        function(*args)
    return caught.value.errors if isinstance(caught.value, InputErrors) else (caught.value,)


def only(found):
    (error,) = found
    return str(error)


# ------------------------------------------------------------------------------------------------ interfaces

FAULTS = {
    # name of the table, its text: what the error begins with, what it says
    ("mixed", ""): ("interfaces.mixed = ", 'the names of two phases, like [interfaces."active|electrolyte"]'),
    ("mixed|salt|carbon", ""): ("interfaces.mixed|salt|carbon = ", 'like "active|electrolyte@coated"'),
    ("mixed|salt@", ""): ("interfaces.'mixed|salt@' = ", 'like "active|electrolyte@coated"'),
    ("mixd|salt", ""): ("interfaces.mixd|salt = ", "'mixd' is none of them; did you mean 'mixed|salt'?"),
    ("salt|coal", ""): ("interfaces.salt|coal = ", "two of mixed, other, carbon, salt, collector, separator"),
    ("salt|carbon", ""): ("interfaces.salt|carbon = ", "electrolyte and conductor do not"),
    ("mixed|mixed", ""): ("interfaces.mixed|mixed = ", "grains in phases.mixed, like grains = { size = '1 um' }"),
    ("salt|salt", ""): ("interfaces.salt|salt = ", "two different phases, or grains in phases.salt"),
    ("mixed|other", "kinetics = { law = 'fast' }"): (
        "interfaces.mixed|other.kinetics = ",
        "no kinetics: active and active do not react; contact_resistance is meant for them",
    ),
    ("carbon|mixed", "double_layer = '10 uF/cm2'"): (
        "interfaces.carbon|mixed.double_layer = '10 uF/cm2'",
        "no double layer: conductor and active exchange no charge by a reaction",
    ),
    ("collector|mixed", "film_resistance = '1 ohm cm2'"): (
        "interfaces.collector|mixed.film_resistance = '1 ohm cm2'",
        "contact_resistance: a film is one between active material and electrolyte, not collector|mixed",
    ),
    ("mixed|other", "layers = [{ name = 'coating', resistance = '1 ohm cm2' }]"): (
        "interfaces.mixed|other.layers = ",
        "contact_resistance: layers lie between active material and electrolyte, not between active and active",
    ),
    ("mixed|other", "reactions = { iodide = { exchange_current = '1 A/m2' } }"): (
        "interfaces.mixed|other.reactions = ",
        "no reactions: active and active do not react",
    ),
    ("mixed|other", "ionic_resistance = '1 ohm cm2'"): (
        "interfaces.mixed|other.ionic_resistance = '1 ohm cm2'",
        "contact_resistance: other is no mixed conductor, and the other is for ions between those",
    ),
    ("carbon|mixed", "ionic_resistance = '1 ohm cm2'"): (
        "interfaces.carbon|mixed.ionic_resistance = '1 ohm cm2'",
        "contact_resistance: carbon is no mixed conductor",
    ),
    ("mixed|collector", "ionic_resistance = '1 ohm cm2'"): (
        "interfaces.mixed|collector.ionic_resistance = '1 ohm cm2'",
        "contact_resistance: collector is no mixed conductor",
    ),
    ("mixed|salt", "layers = [{ name = 'coating' }]"): (
        "interfaces.mixed|salt.layers[0].resistance = missing",
        "either a resistance, like '40 ohm cm2', or thickness and sigma_i",
    ),
    ("mixed|salt", "layers = [{ name = 'a', resistance = '1 ohm cm2', thickness = '5 nm' }]"): (
        "interfaces.mixed|salt.layers[0].resistance = '1 ohm cm2'",
        "either a resistance, like '40 ohm cm2', or thickness and sigma_i",
    ),
    ("mixed|salt", "layers = [{ name = 'a', resistance = '1 ohm cm2' }, { name = 'b', thickness = '5 nm' }]"): (
        "interfaces.mixed|salt.layers[1].sigma_i = missing",
        "both thickness and sigma_i above zero, like '10 nm' and '1e-6 S/cm'",
    ),
    ("mixed|salt", "layers = [{ name = 'a', sigma_i = '1e-6 S/cm' }]"): (
        "interfaces.mixed|salt.layers[0].thickness = missing",
        "both thickness and sigma_i above zero",
    ),
    ("mixed|salt", "layers = [{ name = 'a', thickness = '5 nm', sigma_i = '0 S/cm' }]"): (
        "interfaces.mixed|salt.layers[0].sigma_i = '0 S/cm'",
        "both thickness and sigma_i above zero",
    ),
    (
        "mixed|salt",
        "layers = [{ name = 'a', resistance = '1 ohm cm2', growth = { gain = '0 ohm cm2', after = '1 h' } }]",
    ): (
        "interfaces.mixed|salt.layers[0].growth.gain = '0 ohm cm2'",
        "an area resistance greater than zero",
    ),
    ("mixed|salt", "kinetics = { law = 'quick' }"): (
        "interfaces.mixed|salt.kinetics.law = 'quick'",
        "fast",
    ),
}


@pytest.mark.parametrize(("name", "text"), FAULTS)
def test_faults_of_interfaces(name, text):
    begins, says = FAULTS[name, text]
    error = only(refusals(case, f'[interfaces."{name}"]\n{text}\n'))
    assert error.startswith(begins), error
    assert says in error


def test_a_pair_has_one_table():
    text = '[interfaces."mixed|salt"]\nfilm_resistance = "1 ohm cm2"\n[interfaces."salt|mixed"]\n'
    error = only(refusals(case, text))
    assert error.startswith("interfaces.salt|mixed = ")
    assert 'one table for this pair; [interfaces."mixed|salt"] is another' in error


def test_a_separator_has_interfaces_where_there_is_one():
    without = CASE.replace('separator = "2 um"\n', "")
    error = only(refusals(parse_case, without + '[interfaces."mixed|separator"]\n'))
    assert "a separator in [mesh], like separator = '4 um', before its interfaces" in error


def test_all_faults_of_all_tables_are_told_at_once():
    text = """
    [interfaces."salt|carbon"]
    [interfaces."mixed|other"]
    film_resistance = "1 ohm cm2"
    ionic_resistance = "1 ohm cm2"
    [interfaces."mixed|salt"]
    layers = [{ name = "a" }, { name = "b", thickness = "1 nm" }]
    """
    keys = {error.key for error in refusals(case, text)}
    assert keys == {
        "interfaces.salt|carbon",
        "interfaces.mixed|other.film_resistance",
        "interfaces.mixed|other.ionic_resistance",
        "interfaces.mixed|salt.layers[0].resistance",
        "interfaces.mixed|salt.layers[1].sigma_i",
    }


# -------------------------------------------------------------------------------------------- grain boundaries


def test_grains_of_a_mixed_conductor_have_a_resistance_for_each_carrier():
    text = '[interfaces."mixed|mixed"]\ncontact_resistance = "1 ohm cm2"\nionic_resistance = "5 ohm cm2"\n'
    found = case(text, "phases.mixed.grains={ size = '2 um' }").interface("mixed", "mixed")
    assert (found.contact_resistance, found.ionic_resistance) == pytest.approx((1e-4, 5e-4))


@pytest.mark.parametrize(
    ("name", "text", "says"),
    [
        ("other", 'ionic_resistance = "1 ohm cm2"', "other is no mixed conductor"),
        ("mixed", 'film_resistance = "1 ohm cm2"', "a film is one between active material and electrolyte"),
        ("mixed", "kinetics = { law = 'fast' }", "no kinetics: grains of mixed do not react"),
        ("mixed", "double_layer = '1 uF/cm2'", "grains of mixed exchange no charge by a reaction"),
        ("mixed", "layers = [{ name = 'a', resistance = '1 ohm cm2' }]", "not between grains of mixed"),
    ],
)
def test_faults_of_grain_boundaries(name, text, says):
    error = only(refusals(case, f'[interfaces."{name}|{name}"]\n{text}\n', f"phases.{name}.grains={{ size = '2 um' }}"))
    assert error.startswith(f"interfaces.{name}|{name}.")
    assert says in error


# ------------------------------------------------------------------------------------ transport inside a phase


def transport(*overrides):
    """Return how lithium moves in the two active phases of the case."""
    changed = case("", *overrides)
    found = phase_parameters(changed, load_materials(changed), T)
    return found["mixed"].host.transport, found["other"].host.transport


def test_what_is_given_decides_how_lithium_moves():
    mixed, other = transport()
    assert isinstance(mixed, MixedConduction)
    assert isinstance(other, Diffusion)
    assert isinstance(transport("phases.other.transport=mixed")[1], MixedConduction)
    # D and σ_i of 0.381 mS/cm say the same within five percent, so that either may be asked for
    assert isinstance(transport("phases.mixed.D=1.48e-11 m2/s")[0], Diffusion)
    assert isinstance(transport("phases.mixed.D=1.48e-11 m2/s", "phases.mixed.transport=mixed")[0], MixedConduction)


LINE = "phases.mixed.equilibrium_potential={ law = 'linear', U_at_0 = '2.9 V', U_at_1 = '2.2 V' }"


def test_ions_follow_from_a_diffusivity():
    """σ_a = F·D·c_max/|dU/dx|, and σ_i = σ_e σ_a/(σ_e − σ_a)."""
    D, sigma_e, c_max = 1e-12, 0.02, 2e4
    _, law = transport(
        f"phases.other.D={D} m2/s",
        f"phases.other.sigma_e={sigma_e} S/m",
        f"phases.other.maximum_concentration={c_max} mol/m3",
        LINE.replace("mixed", "other"),
        "phases.other.transport=mixed",
    )
    ambipolar = F * D * c_max / 0.7
    assert float(law.sigma_i([0.4], T)[0]) == pytest.approx(sigma_e * ambipolar / (sigma_e - ambipolar), rel=1e-6)


TRANSPORT_FAULTS = {
    ("phases.mixed.transport=diffusion",): (
        "phases.mixed.transport = 'diffusion'",
        "a diffusivity D, which this material does not give; with its sigma_i it is a mixed conductor; "
        "did you mean 'mixed'?",
    ),
    ("phases.mixed.transport=ambipolar",): ("phases.mixed.transport = 'ambipolar'", "mixed"),
    ("phases.mixed.material=LiTiS2",): (
        "phases.mixed.D = 'missing'",
        "a diffusivity D or an ionic conductivity sigma_i",
    ),
    ("phases.mixed.material=LiTiS2", "phases.mixed.transport=mixed"): (
        "phases.mixed.D = 'missing'",
        "a diffusivity D or an ionic conductivity sigma_i",
    ),
    ("phases.mixed.D=1e-16 m2/s", "phases.mixed.sigma_i=1 mS/cm", LINE): (
        "phases.mixed.D = '1e-16 m2/s'",
        "what sigma_i = 0.1 S/m implies at x = 0.5",
    ),
    ("phases.other.transport=mixed", "phases.other.sigma_e=1e-9 S/m"): (
        "phases.other.D = ",
        "a diffusivity that the electrons can follow: at x = ",
    ),
    ("phases.mixed.sigma_i=0 S/m",): ("phases.mixed.sigma_i = 0.0", "a conductivity above zero"),
    ("phases.mixed.sigma_e=0 S/m",): ("phases.mixed.sigma_e = 0.0", "a conductivity above zero"),
    ("phases.mixed.material=Li2VCl4",): ("phases.mixed.sigma_e = 'missing'", "a conductivity with its unit"),
}


@pytest.mark.parametrize("overrides", TRANSPORT_FAULTS, ids="; ".join)
def test_faults_of_transport(overrides):
    begins, says = TRANSPORT_FAULTS[overrides]

    def built():
        build(case("", *overrides))

    error = only(refusals(built))
    assert error.startswith(begins), error
    assert says in error


def test_what_electrons_cannot_follow_is_told_in_numbers():
    """Where U is flat no ionic conductivity gives the diffusivity; the way out is named."""
    flat = "phases.other.equilibrium_potential={ law = 'ideal-solution', U0 = '3.8 V', margules = ['7.4 kJ/mol'] }"
    error = only(refusals(transport, "phases.other.transport=mixed", flat, "phases.other.sigma_e=1e-4 S/m"))
    assert "where U(x) is flat give sigma_i instead" in error
