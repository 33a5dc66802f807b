"""A layered electrode as a graph: volumes and areas are those of its recipe, and every cell hangs where it should."""

from itertools import pairwise

import numpy as np
import pytest
from scipy.integrate import quad

from catholyte.errors import MeshError
from catholyte.mesh.layers import Domains, layered_graph
from catholyte.mesh.shells import SizeClass, lognormal, shell_edges

EXPONENTS = {"sphere": 3, "cylinder": 2, "slab": 1}
COUNT, THICKNESS, AREA = 5, 50e-6, 3e-4


def domains(**changes):
    given = {
        "phase": "active",
        "electrolyte": "electrolyte",
        "volume_share": 0.4,
        "electrolyte_share": 0.3,
        "sizes": (SizeClass(2e-6, 0.7), SizeClass(6e-6, 0.3)),
        "shells": 6,
        "electrolyte_shells": 3,
    }
    return Domains(**(given | changes))


def of_phase(graph, name):
    return graph.phase == graph.phase_names.index(name)


@pytest.mark.parametrize("shape", EXPONENTS)
@pytest.mark.parametrize("widths", ["graded", "even", "equal volume"])
def test_volumes_and_areas_are_those_of_the_recipe(shape, widths):
    graph, places = layered_graph(COUNT, THICKNESS, domains(shape=shape, widths=widths), cross_section=AREA)
    whole = THICKNESS * AREA
    assert graph.volume[of_phase(graph, "active")].sum() == pytest.approx(0.4 * whole, rel=1e-12)
    assert graph.volume[of_phase(graph, "electrolyte")].sum() == pytest.approx(0.3 * whole, rel=1e-12)
    for name in ("ions", "electrons"):
        np.testing.assert_allclose(graph.volume[of_phase(graph, name)], whole / COUNT)
    reacting = of_phase(graph, "active")[graph.cell_a] & of_phase(graph, "electrolyte")[graph.cell_b]
    for number, (diameter, share) in enumerate(((2e-6, 0.7), (6e-6, 0.3))):
        faces = reacting & (places.size_class[graph.cell_a] == number)
        assert np.count_nonzero(faces) == COUNT
        exact = EXPONENTS[shape] / (0.5 * diameter) * share * 0.4 * whole
        assert graph.area[faces].sum() == pytest.approx(exact, rel=1e-12)


def test_cells_hang_on_the_layer_they_lie_in():
    graph, places = layered_graph(COUNT, THICKNESS, domains(), separator=4e-6)
    anchor, own = graph.anchor, np.arange(graph.n_cells)
    layer = np.isnan(places.radius)
    assert np.array_equal(anchor[layer], own[layer])
    assert np.all(of_phase(graph, "electrons")[anchor[of_phase(graph, "active")]])
    assert np.all(of_phase(graph, "ions")[anchor[of_phase(graph, "electrolyte")]])
    np.testing.assert_allclose(places.depth[anchor], places.depth)
    np.testing.assert_allclose(
        places.depth[of_phase(graph, "ions")], 4e-6 + THICKNESS / COUNT * (np.arange(COUNT) + 0.5)
    )
    for name, terminal in graph.terminals.items():
        expected = "separator" if name == "counter" else "electrons"
        assert graph.phase_names[graph.phase[terminal.cell[0]]] == expected


def test_layers_alone_are_in_series_along_the_depth():
    graph, _ = layered_graph(COUNT, THICKNESS, domains(), separator=4e-6)
    through = graph.face_axis == 0
    assert np.count_nonzero(through) == 2 * (COUNT - 1) + 1
    kinds = {
        tuple(sorted(graph.phase_names[graph.phase[c]] for c in pair))
        for pair in zip(graph.cell_a[through], graph.cell_b[through], strict=True)
    }
    assert kinds == {("electrons", "electrons"), ("ions", "ions"), ("ions", "separator")}
    ionic = of_phase(graph, "ions")[graph.cell_b] & through
    distance = (
        (graph.distance_a + graph.distance_b)[ionic].sum()
        + sum(graph.terminals["counter"].distance)
        + 0.5 * THICKNESS / COUNT
    )
    assert distance == pytest.approx(4e-6 + THICKNESS)


def test_without_a_separator_the_counter_electrode_touches_the_first_layer():
    graph, places = layered_graph(COUNT, THICKNESS, domains())
    assert graph.phase_names == ("ions", "electrons", "active", "electrolyte")
    cell = graph.terminals["counter"].cell[0]
    assert places.depth[cell] == pytest.approx(0.5 * THICKNESS / COUNT)
    assert graph.phase_names[graph.phase[cell]] == "ions"


def test_a_chain_runs_from_the_middle_to_the_end_of_its_electrolyte():
    graph, places = layered_graph(1, THICKNESS, domains(sizes=(SizeClass(2e-6, 1.0),)))
    chain = places.size_class == 0
    r = places.radius[chain]
    assert np.all(np.diff(r) > 0.0)
    assert r[0] > 0.0
    assert r[-1] < 1e-6 * (1.0 + 0.3 / 0.4) ** (1.0 / 3.0)
    cells = np.flatnonzero(chain)
    faces = np.isin(graph.cell_a, cells)
    np.testing.assert_array_equal(graph.cell_b[faces], cells[1:])
    np.testing.assert_allclose((graph.distance_a + graph.distance_b)[faces], np.diff(r))
    assert np.all(graph.distance_a[faces] > 0.0)
    assert np.all(graph.distance_b[faces] > 0.0)


def test_a_linear_profile_has_its_mean_at_the_centre_of_a_shell():
    graph, places = layered_graph(1, THICKNESS, domains(sizes=(SizeClass(2e-6, 1.0),), widths="even"))
    edges = shell_edges(1e-6, 0.0, 6, 3, "even")[::-1]
    for k, (low, high) in enumerate(pairwise(edges)):
        mean = quad(lambda r: 1e18 * r**3, low, high)[0] / quad(lambda r: 1e18 * r**2, low, high)[0]
        assert places.radius[places.size_class == 0][k] == pytest.approx(mean, rel=1e-9)
    assert graph.n_cells == 2 + 6 + 3


def test_graded_shells_are_four_times_finer_at_the_surface():
    edges = shell_edges(1.0, 0.0, 400, 3, "graded")
    widths = -np.diff(edges)
    assert widths[-1] / widths[0] == pytest.approx(4.0, rel=0.01)
    assert np.ptp(np.diff(shell_edges(1.0, 0.0, 7, 3, "equal volume") ** 3)) < 1e-12


@pytest.mark.parametrize("classes", [1, 3, 20])
def test_a_lognormal_distribution_keeps_its_area(classes):
    median, spread = 5e-9, 0.4
    sizes = lognormal(median, spread, classes)
    assert sum(size.share for size in sizes) == pytest.approx(1.0)
    # the mean of 1/d of a lognormal distribution by volume
    assert sum(s.share / s.diameter for s in sizes) == pytest.approx(np.exp(0.5 * spread**2) / median, rel=1e-12)
    assert [s.diameter for s in sizes] == sorted(s.diameter for s in sizes)
    assert lognormal(median, 0.0, 5) == (SizeClass(median, 1.0),)


def test_a_subset_keeps_the_anchors():
    graph, _ = layered_graph(2, THICKNESS, domains())
    keep = np.ones(graph.n_cells, dtype=bool)
    keep[np.flatnonzero(of_phase(graph, "electrolyte"))[-1]] = False
    part = graph.subset(keep)
    np.testing.assert_array_equal(part.anchor, graph.anchor[keep])


@pytest.mark.parametrize(
    ("count", "changes", "said"),
    [
        (0, {}, "at least one layer"),
        (3, {"shells": 0}, "one shell"),
        (3, {"volume_share": 0.8}, "sum to at most 1, not 0.8 and 0.3"),
        (3, {"electrolyte_share": 0.0}, "volume shares above 0"),
        (3, {"sizes": ()}, "size classes"),
        (3, {"sizes": (SizeClass(1e-6, 0.5),)}, "sum to 1, not 0.5"),
    ],
)
def test_what_cannot_be_is_refused(count, changes, said):
    with pytest.raises(MeshError, match=said):
        layered_graph(count, THICKNESS, domains(**changes))
