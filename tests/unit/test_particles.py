"""Single particles: exact volumes and areas, Crank's series for three shapes, what a case says of them."""

import numpy as np
import pytest
from builders import cell_parameters, host_phase, observed_order, straight
from scipy.special import j0, j1, jn_zeros

from catholyte.build import build
from catholyte.case import parse_case
from catholyte.errors import InputError, InputErrors, MeshError
from catholyte.mesh.particles import FILM, Particles, particle_graph
from catholyte.mesh.shells import SizeClass, lognormal
from catholyte.models.cathode import Cathode
from catholyte.models.control import CurrentControl
from catholyte.physics.constants import F
from catholyte.physics.kinetics import ConstantExchange
from catholyte.plot import lithiation_frames, lithiation_slices, plot_all
from catholyte.results import Results
from catholyte.simulation import Simulation
from catholyte.solve.frames import Settings
from catholyte.solve.linear import DirectSolver
from catholyte.solve.transient import Integrator

VOLUME, RADIUS = 2e-6, 3e-6
EXPONENTS = {"sphere": 3, "cylinder": 2, "slab": 1}


ONE_SIZE = (SizeClass(2.0 * RADIUS, 1.0),)


def particles(shape="sphere", sizes=ONE_SIZE, **changes):
    return Particles("active", "electrolyte", VOLUME, tuple(sizes), shape, **changes)


# ------------------------------------------------------------------------------------------------ the graph


@pytest.mark.parametrize("shape", EXPONENTS)
@pytest.mark.parametrize("widths", ["graded", "even", "equal volume"])
def test_volumes_and_areas_are_those_of_the_particles(shape, widths):
    n, sizes = EXPONENTS[shape], (SizeClass(2e-6, 0.3), SizeClass(5e-6, 0.7))
    graph, places = particle_graph(particles(shape, sizes, widths=widths, shells=7))
    inside = graph.phase == graph.phase_names.index("active")
    surface = 0.0
    for number, size in enumerate(sizes):
        of_class = places.size_class == number
        assert graph.volume[inside & of_class].sum() == pytest.approx(size.share * VOLUME, rel=1e-14)
        surface += n * size.share * VOLUME / (0.5 * size.diameter)
    meeting = graph.phase[graph.cell_a] != graph.phase[graph.cell_b]
    assert graph.area[meeting].sum() == pytest.approx(surface, rel=1e-14)
    assert graph.terminals["collector"].area.sum() == pytest.approx(surface, rel=1e-14)
    assert graph.terminals["counter"].area.sum() == pytest.approx(surface * (1.0 + FILM) ** (n - 1), rel=1e-5)
    assert not places.depth.any()


def test_every_chain_is_one_particle_with_both_terminals_at_its_surface():
    graph, places = particle_graph(particles(sizes=(SizeClass(2e-6, 0.5), SizeClass(4e-6, 0.5)), shells=5))
    assert graph.n_cells == graph.n_potentials == 2 * 6
    everywhere = graph.components(np.ones(graph.cell_a.size, dtype=bool))
    assert list(everywhere) == list(places.size_class)
    for name, phase in (("collector", "active"), ("counter", "electrolyte")):
        cells = graph.terminals[name].cell
        assert [graph.phase_names[graph.phase[cell]] for cell in cells] == [phase, phase]
    outermost = graph.terminals["collector"].cell
    np.testing.assert_allclose(places.radius[outermost] + graph.terminals["collector"].distance, [1e-6, 2e-6])


def test_the_film_costs_next_to_nothing():
    """A thousandth of the radius: less than a microvolt at 1 A/m² and 1 mS/cm."""
    graph, _ = particle_graph(particles())
    counter, film = graph.terminals["counter"], graph.cell_b == graph.n_cells - 1
    resistance = (graph.distance_b[film] / graph.area[film] + counter.distance / counter.area) / 0.1
    assert float(resistance.item()) * float(graph.area[film].item()) < 1e-6


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"shells": 0}, "at least one shell"),
        ({"sizes": ()}, "diameters and shares above 0"),
        ({"sizes": (SizeClass(1e-6, 0.4),)}, "have to sum to 1, not 0.4"),
    ],
)
def test_what_cannot_be(changes, said):
    with pytest.raises(MeshError, match=said):
        particle_graph(particles(**changes))


# ------------------------------------------------------------------------------------------------ diffusion

D, C_MAX, X0, RATE = 1e-14, 5e4, 0.4, 0.15


def spherical(tau):
    roots = np.array([4.493409458, 7.725251837, 10.904121659, 14.066193913, 17.220755272, 20.371302959, 23.519452499])
    return 3.0 * tau + 0.2 - 2.0 * np.sum(np.exp(-(roots**2) * tau) / roots**2)


def cylindrical(tau):
    roots = jn_zeros(1, 30)
    return 2.0 * tau + 0.25 - 2.0 * np.sum(np.exp(-(roots**2) * tau) * j0(roots) / (roots**2 * j0(roots)))


def flat(tau):
    k = np.arange(1, 40)
    return tau + 1.0 / 3.0 - 2.0 / np.pi**2 * np.sum(np.exp(-((k * np.pi) ** 2) * tau) / k**2)


SERIES = {"sphere": spherical, "cylinder": cylindrical, "slab": flat}


def discharge(recipe, tau):
    """Return the fall of the voltage under a constant current for a time in a²/D; U = 4 V − x."""
    problem = Cathode(
        particle_graph(recipe)[0],
        cell_parameters(host_phase(straight(), c_max=C_MAX, D=D, sigma=1e6), sigma_i=1e6, i0=ConstantExchange(1e8)),
    )
    surface = EXPONENTS[recipe.shape] * VOLUME / RADIUS
    current = RATE * F * C_MAX * D / RADIUS * surface
    settings = Settings(x_tolerance=1e-7, voltage_tolerance=1e-7, current_tolerance=1e-5, order=5)
    integrator = Integrator(problem, DirectSolver(), 1e-3 * current, settings)
    u = np.zeros(problem.size)
    u[problem.n_phi : -1], u[-1] = X0, 4.0 - X0
    control = CurrentControl(current)
    first, progress = integrator.begin(0.0, u, control, 0.0, current)
    *_, (last, _) = integrator.integrate(progress, control, [], end=tau * RADIUS**2 / D, last=first.evaluation)
    return 4.0 - X0 - last.evaluation.voltage


@pytest.mark.parametrize("shape", SERIES)
def test_constant_flux_converges_to_the_series_of_crank(shape):
    assert j1(jn_zeros(1, 3)) == pytest.approx(0.0, abs=1e-12)
    sizes, errors = [10, 20, 40], []
    for shells in sizes:
        errors.append(abs(discharge(particles(shape, shells=shells), 0.2) - RATE * SERIES[shape](0.2)))
    assert -observed_order(sizes, errors) > 1.8
    assert errors[-1] < 1e-3 * RATE


def test_a_slow_discharge_fills_all_sizes_alike():
    """Where diffusion is no limit, a distribution of sizes is one particle: the same lithium at the same voltage."""
    recipe = particles(sizes=lognormal(2.0 * RADIUS, 0.4, 5), shells=6)
    problem = Cathode(
        particle_graph(recipe)[0],
        cell_parameters(host_phase(straight(), c_max=C_MAX, D=1e-10, sigma=1e6), i0=ConstantExchange(1e6)),
    )
    current = 1e-4 * F * C_MAX * VOLUME
    integrator = Integrator(problem, DirectSolver(), 1e-3 * current, Settings(order=4))
    u = np.zeros(problem.size)
    u[problem.n_phi : -1], u[-1] = X0, 4.0 - X0
    first, progress = integrator.begin(0.0, u, CurrentControl(current), 0.0, current)
    *_, (last, _) = integrator.integrate(progress, CurrentControl(current), [], end=2000.0, last=first.evaluation)
    x = problem.split(last.evaluation.u)[1]
    assert x == pytest.approx(X0 + 0.2, abs=1e-4)
    assert last.evaluation.voltage == pytest.approx(4.0 - X0 - 0.2, abs=1e-4)


# ------------------------------------------------------------------------------------------------ the case

CASE = """
title = "particles"
[mesh]
particle = { phase = "active", diameter = "5 um", loading = "1 mg/cm2" }
[phases]
active = { material = "NCM811", D = "1e-11 cm2/s" }
electrolyte = { material = "Li6PS5Cl" }
[interfaces."active|electrolyte"]
kinetics = { exchange_current = "0.5 A/m2" }
[cell]
counter = "Li-In"
initial = { voltage = "4.2 V" }
[experiment]
steps = ["Discharge at C/2 until 3.6 V"]
[output]
fields = "every 25 % of capacity"
"""
PARTICLE = "mesh.particle"


def case(*overrides):
    return parse_case(CASE, overrides)


def test_loading_and_thickness_say_the_same():
    built = build(case())
    assert built.design.active_areal_mass == pytest.approx(0.01)
    assert built.design.volume_shares == {"active": 1.0, "electrolyte": 0.0}
    assert built.design.mass_shares == {"active": 1.0}
    h = built.design.thickness
    other = build(parse_case(CASE.replace('loading = "1 mg/cm2"', f'thickness = "{h * 1e6!r} um"')))
    assert other.graph.volume == pytest.approx(built.graph.volume)
    assert built.unknowns == 21 + 20 + 1
    assert built.mesh_sha256 != build(case(f"{PARTICLE}.shells=21")).mesh_sha256


def test_a_capacity_is_that_of_the_loading():
    design = build(case()).design
    assert design.areal_capacity == pytest.approx(0.01 * design.nominal_capacity)


@pytest.mark.parametrize(
    ("override", "key", "said"),
    [
        (f"{PARTICLE}.phase=actve", f"{PARTICLE}.phase", "did you mean 'active'?"),
        (f"{PARTICLE}.phase=electrolyte", f"{PARTICLE}.phase", "a phase of kind active; electrolyte is of kind"),
        (f"{PARTICLE}.thickness=2 um", f"{PARTICLE}.loading", "exactly one of loading"),
        (f"{PARTICLE}.diameter={{spread=0.2}}", f"{PARTICLE}.diameter.median", "exactly one of median"),
        (f"{PARTICLE}.shape=cube", f"{PARTICLE}.shape", "'sphere', 'cylinder', 'slab'"),
        (f"{PARTICLE}.shels=4", f"{PARTICLE}.shels", "did you mean 'shells'?"),
        ("mesh.separator=4 um", "mesh.separator", "no separator with mesh.particle"),
        ("mesh.collector=4 um", "mesh.collector", "no collector with mesh.particle"),
        ("mesh.side_walls=periodic", "mesh.side_walls", "particles have no side walls"),
        ("phases.carbon={material='carbon'}", "phases.carbon", "no phase beside the particles (active)"),
        (
            "phases.other={material='Li3InCl6'}",
            "phases.other.material",
            "one phase of an electrolyte around the particles",
        ),
        ("phases.electrolyte.material=LIC6", "phases.electrolyte.material", "an electrolyte without species"),
        ("phases.electrolyte.material=carbon", "phases", "at least one phase of an electrolyte"),
        ("phases.active.diameter=5 um", "phases.active.diameter", "not with mesh.particle"),
        ("interfaces.electrolyte|collector.contact_resistance=1 ohm cm2", "electrolyte|collector", "a pair that"),
    ],
)
def test_faults(override, key, said):
    with pytest.raises(InputErrors) as caught:
        case(override)
    errors = [str(error) for error in caught.value.errors]
    assert any(key in error and said in error for error in errors), errors


def test_a_run_its_result_and_its_pictures(tmp_path):
    made = case(f"{PARTICLE}.diameter={{sizes=['2 um', '6 um'], shares=[0.4, 0.6]}}", f"{PARTICLE}.shells=8")
    results = Simulation(build(made)).run(tmp_path / "out")
    assert results.summary()["end_reason"] == "cut-off of 3.6 V reached"
    mesh = Results.open(tmp_path / "out").mesh
    assert mesh.layers is not None
    assert mesh.layers.of_particles
    assert mesh.thickness("active") == pytest.approx(results.provenance["thickness_m"])
    x = results.fields["x"].isel(frame=-1).to_numpy()
    small, large = (x[(mesh.layers.size_class == k) & np.isfinite(x)] for k in (0, 1))
    assert np.ptp(small) < np.ptp(large)
    assert (np.diff(large) > 0.0).all()  # lithium comes from the surface
    names = {path.name for path in plot_all(results, tmp_path / "plots")}
    assert {"voltage.png", "slices.png", "spread.png"} <= names
    assert not {"phases_3d.png", "shells.png"} & names
    figure = lithiation_slices(results, (0, -1))
    assert [axes.get_xlabel() for axes in figure.axes] == ["Radius (µm)", "Radius (µm)"]
    radius, drawn = figure.axes[1].lines[1].get_data()
    np.testing.assert_allclose(drawn, large)
    assert radius[-1] < 3.0
    cut_open = lithiation_frames(results, (0.0, 0.5), size_class=0)
    image = cut_open.axes[1].collections[0].get_array()
    np.testing.assert_allclose(image[[1, -2], 0], results.fields["x"].isel(frame=2).to_numpy()[[0, 7]], rtol=1e-6)
    with pytest.raises(InputError, match="a size class from 0 to 1"):
        lithiation_frames(results, size_class=2)
