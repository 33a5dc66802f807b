"""Mesh files: what is written is read back, names are found, and what cannot be used is told."""

import importlib.util
from dataclasses import replace

import meshio
import numpy as np
import pytest
from element_meshes import box, mixed

from catholyte.errors import InputError
from catholyte.mesh.elements import corner_jacobians
from catholyte.mesh.meshfile import read_mesh, write_mesh
from catholyte.mesh.orientation import oriented
from catholyte.mesh.unstructured import CellBlock

UM = 1e-6
SQUARE = np.array([[0, 0], [1, 0], [1, 1], [0, 1], [2, 0], [2, 1]], float)


def two_regions(kind="tetra"):
    """A box of two regions, the upper one called like a tag, and with grains."""
    n = (2, 3, 4) if kind in ("tetra", "hexahedron", "wedge") else (3, 4)
    mesh = box(
        [kind],
        n,
        lengths=[UM * k for k in n],
        distortion=0.2,
        region_names=("electrolyte", "collector"),
        region=lambda c: c[:, -1] > 2 * UM,
    )
    (cells,) = mesh.cells
    grain = np.where(cells.region == 0, 1 + cells.number % 3, 0).astype(np.int32)
    return replace(mesh, cells=(replace(cells, grain=grain),))


def the_same(read, written, rel=1e-14):
    assert read.region_names == written.region_names
    assert read.tag_names == written.tag_names
    np.testing.assert_allclose(read.points, written.points, rtol=rel, atol=1e-20)
    for ours, theirs in zip(read.cells, written.cells, strict=True):
        assert ours.kind == theirs.kind
        for name in ("nodes", "region", "grain"):
            np.testing.assert_array_equal(getattr(ours, name), getattr(theirs, name))
    for ours, theirs in zip(read.facets, written.facets, strict=True):
        assert ours.kind == theirs.kind
        by_tag = np.argsort(theirs.tag, kind="stable")
        np.testing.assert_array_equal(ours.nodes, theirs.nodes[by_tag])
        np.testing.assert_array_equal(ours.tag, theirs.tag[by_tag])


@pytest.mark.parametrize("suffix", [".msh", ".vtu"])
@pytest.mark.parametrize("kind", ["tetra", "hexahedron", "wedge", "triangle", "quad"])
def test_round_trip(tmp_path, kind, suffix):
    """Also with a region and a tag of one name, which gmsh allows."""
    mesh = two_regions(kind)
    path = tmp_path / f"mesh{suffix}"
    write_mesh(path, mesh, unit=UM)
    the_same(read_mesh(path, unit=UM), mesh)


@pytest.mark.parametrize("suffix", [".msh", ".vtu"])
def test_round_trip_of_mixed_kinds(tmp_path, suffix):
    mesh = mixed(4, 0.2)
    write_mesh(tmp_path / f"mesh{suffix}", mesh)
    read = read_mesh(tmp_path / f"mesh{suffix}")
    the_same(read, mesh)
    assert np.concatenate([block.number for block in read.cells]).tolist() == list(range(mesh.n_cells))


def test_gmsh_reads_what_is_written(tmp_path):
    gmsh = pytest.importorskip("gmsh")
    path = tmp_path / "mesh.msh"
    write_mesh(path, two_regions(), unit=UM)
    gmsh.initialize()
    try:
        gmsh.option.setNumber("General.Terminal", 0)
        gmsh.open(str(path))
        groups = {(d, gmsh.model.getPhysicalName(d, n)) for d, n in gmsh.model.getPhysicalGroups()}
        assert groups == {(2, "counter"), (2, "collector"), (3, "electrolyte"), (3, "collector")}
        assert [len(gmsh.model.getEntitiesForPhysicalGroup(3, number)) for number in (1, 2)] == [3, 1]
    finally:
        gmsh.finalize()


@pytest.mark.parametrize("version", [2.2, 4.1])
@pytest.mark.parametrize("binary", [0, 1])
def test_a_file_of_gmsh(tmp_path, version, binary):
    """Physical groups name regions and tags, a surface in two groups has both; the volumes of a region are grains."""
    gmsh = pytest.importorskip("gmsh")
    path = tmp_path / "box.msh"
    gmsh.initialize()
    try:
        gmsh.option.setNumber("General.Terminal", 0)
        gmsh.model.occ.addBox(0, 0, 0, 1, 1, 1)
        gmsh.model.occ.addBox(0, 0, 1, 1, 1, 1)
        gmsh.model.occ.addBox(0, 0, 2, 1, 1, 1)
        gmsh.model.occ.fragment([(3, 1)], [(3, 2), (3, 3)])
        gmsh.model.occ.synchronize()
        gmsh.model.addPhysicalGroup(3, [1], 7, "collector")
        gmsh.model.addPhysicalGroup(3, [2, 3], 5, "active")
        faces = {round(gmsh.model.occ.getCenterOfMass(2, tag)[2], 3): tag for _, tag in gmsh.model.getEntities(2)}
        gmsh.model.addPhysicalGroup(2, [faces[0.0]], 3, "collector")
        gmsh.model.addPhysicalGroup(2, [faces[1.0]], 9, "inner")
        gmsh.model.addPhysicalGroup(2, [faces[0.0], faces[3.0]], 10, "ends")
        gmsh.model.mesh.setSize(gmsh.model.getEntities(0), 0.5)
        gmsh.model.mesh.generate(3)
        gmsh.option.setNumber("Mesh.MshFileVersion", version)
        gmsh.option.setNumber("Mesh.Binary", binary)
        gmsh.write(str(path))
        count = len(gmsh.model.mesh.getElementsByType(4)[0])
    finally:
        gmsh.finalize()
    mesh = read_mesh(path, unit=UM)
    assert mesh.region_names == ("active", "collector")
    assert mesh.tag_names == ("collector", "inner", "ends")
    (cells,), (facets,) = mesh.cells, mesh.facets
    assert len(cells.nodes) == count == mesh.n_cells
    for tag, at in ((0, {0.0}), (1, {1.0}), (2, {0.0, 3.0})):
        assert {round(z / UM, 6) for z in mesh.points[facets.nodes[facets.tag == tag], 2].ravel()} == at
    assert np.all(mesh.points[cells.nodes[cells.region == 0], 2].mean(axis=1) > UM)
    assert mesh.points.max() == pytest.approx(3 * UM)
    upper = mesh.points[cells.nodes, 2].mean(axis=1) > 2 * UM
    np.testing.assert_array_equal(cells.grain, np.where(cells.region == 1, 0, np.where(upper, 2, 1)))


def test_numbers_are_names_where_there_are_no_others(tmp_path):
    path = tmp_path / "plain.vtu"
    cells = [("quad", [[0, 1, 2, 3], [1, 4, 5, 2]]), ("line", [[0, 1], [1, 4]])]
    data = {"material": [np.array([4, 2]), np.array([0, 8])], "grain": [np.array([1, 5]), np.array([0, 0])]}
    meshio.write_points_cells(path, SQUARE, cells, cell_data=data)
    mesh = read_mesh(path)
    assert mesh.tag_names == ("8",)
    assert [mesh.region_names[k] for k in mesh.cells[0].region] == ["4", "2"]
    assert mesh.cells[0].grain.tolist() == [1, 5]
    assert mesh.facets[0].nodes.tolist() == [[1, 4]]


@pytest.mark.parametrize(
    ("suffix", "name"),
    [(".vtk", "region"), (".mesh", "medit:ref"), (".bdf", "nastran:ref"), (".avs", "avsucd:material")],
)
def test_other_formats_have_numbers(tmp_path, suffix, name):
    mesh, path = two_regions(), tmp_path / f"mesh{suffix}"
    (cells,), (facets,) = mesh.cells, mesh.facets
    numbers = [cells.region.astype(np.int32) + 3, facets.tag.astype(np.int32) + 1]
    blocks = [(cells.kind, cells.nodes), (facets.kind, facets.nodes)]
    meshio.write_points_cells(path, mesh.points / UM, blocks, cell_data={name: numbers})
    read = read_mesh(path, unit=UM)
    assert (read.region_names, read.tag_names) == (("3", "4"), ("1", "2"))
    np.testing.assert_allclose(read.points, mesh.points, rtol=1e-5, atol=1e-12)
    np.testing.assert_array_equal(read.cells[0].nodes, cells.nodes)
    np.testing.assert_array_equal(read.cells[0].region, cells.region)
    np.testing.assert_array_equal(read.facets[0].tag, facets.tag)


def test_xdmf_as_text(tmp_path):
    path = tmp_path / "two.xdmf"
    path.write_text(
        """<?xml version="1.0"?><Xdmf Version="3.0"><Domain><Grid Name="Grid" GridType="Uniform">
        <Geometry GeometryType="XY"><DataItem DataType="Float" Dimensions="6 2" Format="XML" Precision="8">
        0 0 1 0 1 1 0 1 2 0 2 1</DataItem></Geometry>
        <Topology TopologyType="Quadrilateral" NumberOfElements="2">
        <DataItem DataType="Int" Dimensions="2 4" Format="XML" Precision="8">0 1 2 3 1 4 5 2</DataItem></Topology>
        <Attribute Name="material" AttributeType="Scalar" Center="Cell">
        <DataItem DataType="Int" Dimensions="2" Format="XML" Precision="8">7 9</DataItem></Attribute>
        </Grid></Domain></Xdmf>"""
    )
    if importlib.util.find_spec("h5py") is None:
        with pytest.raises(InputError, match=r"h5py, which meshio reads \.xdmf with: pip install h5py"):
            read_mesh(path)
        return
    mesh = read_mesh(path)
    np.testing.assert_array_equal(mesh.points[:, :2], SQUARE)
    assert [mesh.region_names[k] for k in mesh.cells[0].region] == ["7", "9"]


def test_sets_of_abaqus(tmp_path):
    path = tmp_path / "sets.inp"
    cells = [("quad", [[0, 1, 2, 3], [1, 4, 5, 2]]), ("line", [[0, 1], [1, 4]])]
    everything = [np.array([0, 1]), np.array([], int)]
    left, right = [np.array([0]), np.array([], int)], [np.array([1]), np.array([], int)]
    plate = [np.array([], int), np.array([1])]
    meshio.write_points_cells(
        path,
        np.column_stack([SQUARE, np.zeros(6)]),
        cells,
        cell_sets={"left": left, "all": everything, "right": right, "plate": plate},
    )
    mesh = read_mesh(path)
    assert [mesh.region_names[k] for k in mesh.cells[0].region] == ["left", "right"]
    assert mesh.tag_names == ("plate",)
    assert mesh.facets[0].nodes.tolist() == [[1, 4]]


def test_points_of_no_cell_are_dropped(tmp_path):
    path = tmp_path / "more.vtu"
    points = np.vstack([[[9.0, 9.0]], SQUARE[:1], [[7.0, 7.0]], SQUARE[1:]])
    meshio.write_points_cells(path, np.column_stack([points, np.zeros(8)]), [("triangle", [[1, 3, 4]])])
    mesh = read_mesh(path)
    np.testing.assert_array_equal(mesh.points[:, :2], SQUARE[:3])
    assert mesh.point_number.tolist() == [1, 3, 4]


@pytest.mark.parametrize("constant", [0, 1, 2])
def test_flat_meshes_lie_in_a_plane_of_two_coordinates(tmp_path, constant):
    path = tmp_path / "flat.vtu"
    points = np.insert(SQUARE, constant, 3.0, axis=1)
    meshio.write_points_cells(path, points, [("quad", [[0, 1, 2, 3], [1, 4, 5, 2]])])
    mesh = read_mesh(path)
    np.testing.assert_array_equal(mesh.points, np.column_stack([SQUARE, np.zeros(6)]))


def test_a_surface_in_space_is_refused(tmp_path):
    path = tmp_path / "bent.vtu"
    points = np.column_stack([SQUARE, SQUARE[:, 0] ** 2])
    meshio.write_points_cells(path, points, [("quad", [[0, 1, 2, 3], [1, 4, 5, 2]])])
    with pytest.raises(InputError, match=r"a surface of 2 x 1 x 4.*in a plane of two coordinates"):
        read_mesh(path)


def test_cells_numbered_the_other_way_round_are_renumbered(tmp_path):
    """All of a file, or those of one of two surfaces."""
    mesh = box(["triangle", "quad"], (4, 4), distortion=0.2)
    (cells,) = mesh.cells
    turned = replace(mesh, cells=(replace(cells, nodes=cells.nodes[:, ::-1]),))
    write_mesh(tmp_path / "turned.msh", turned)
    read = read_mesh(tmp_path / "turned.msh")
    assert corner_jacobians("triangle", read.points[read.cells[0].nodes]).min() > 0.0

    half = np.where((mesh.points[cells.nodes, 0].mean(axis=1) < 0.5)[:, None], cells.nodes[:, ::-1], cells.nodes)
    patches = oriented(replace(mesh, cells=(replace(cells, nodes=half),)))
    assert corner_jacobians("triangle", patches.points[patches.cells[0].nodes]).min() > 0.0


def test_a_cell_that_is_inside_out_is_not_renumbered():
    mesh = box(["tetra"], (3, 3, 3))
    inner = np.flatnonzero(np.all((mesh.points > 0.1) & (mesh.points < 0.9), axis=1))[0]
    points = mesh.points.copy()
    points[inner] += [0.9, 0.0, 0.0]
    folded = replace(mesh, points=points)
    assert corner_jacobians("tetra", points[folded.cells[0].nodes]).min() < 0.0
    np.testing.assert_array_equal(oriented(folded).cells[0].nodes, folded.cells[0].nodes)


def refused(path, cells, points=None, **data):
    points = np.random.default_rng(0).random((20, 3)) if points is None else points
    meshio.write_points_cells(path, points, cells, **data)
    with pytest.raises(InputError) as error:
        read_mesh(path, key="mesh.file.path")
    return str(error.value)


def test_other_kinds_of_cells_are_refused_with_their_number(tmp_path):
    message = refused(
        tmp_path / "a.vtu", [("tetra10", [range(10)] * 3), ("pyramid", [range(5)]), ("tetra", [range(4)])]
    )
    assert message.startswith("mesh.file.path = ")
    assert "a.vtu with cells: 3 of tetra10, 1 of pyramid" in message
    assert "expected linear cells: tetra, hexahedron, wedge, triangle, quad" in message
    assert "1 of line" not in refused(tmp_path / "b.vtu", [("line", [[0, 1]])])


def test_regions_and_grains_are_whole_numbers(tmp_path):
    message = refused(tmp_path / "a.vtu", [("tetra", [range(4)])], cell_data={"grain": [np.array([0.5])]})
    assert "cell data 'grain'" in message
    assert "a whole number for every cell" in message


@pytest.mark.parametrize("suffix", [".msh", ".vtu", ".vtk", ".xdmf", ".mesh", ".inp"])
def test_broken_files_are_told(tmp_path, capfd, suffix):
    path = tmp_path / f"broken{suffix}"
    path.write_bytes(b"$MeshFormat\n4.1 0 8\n$EndMeshFormat\n$Nodes\nnonsense" if suffix == ".msh" else b"nonsense\n")
    with pytest.raises(InputError, match="broken"):
        read_mesh(path)
    assert capfd.readouterr() == ("", "")


def test_files_that_are_none(tmp_path):
    with pytest.raises(InputError, match="an existing file"):
        read_mesh(tmp_path / "none.msh")
    (tmp_path / "some.mhs").write_text("")
    with pytest.raises(InputError, match=r"a file that ends in \.msh.*did you mean '\.msh'"):
        read_mesh(tmp_path / "some.mhs")
    with pytest.raises(InputError, match=r"a file that ends in \.msh or \.vtu"):
        write_mesh(tmp_path / "some.vtk", two_regions())


def test_only_flat_meshes_turn_around_an_axis(tmp_path):
    write_mesh(tmp_path / "solid.msh", two_regions())
    with pytest.raises(InputError, match="cells of two dimensions"):
        read_mesh(tmp_path / "solid.msh", symmetry="axisymmetric")


def test_names_with_quotation_marks_are_refused(tmp_path):
    mesh = replace(two_regions(), region_names=('a "b"', "c"))
    with pytest.raises(InputError, match="without quotation marks"):
        write_mesh(tmp_path / "solid.msh", mesh)


def test_blocks_are_of_one_kind_each(tmp_path):
    """Files may have many blocks of a kind."""
    path = tmp_path / "blocks.vtu"
    cells = [("triangle", [[0, 1, 2]]), ("quad", [[1, 4, 5, 2]]), ("triangle", [[0, 2, 3]])]
    meshio.write_points_cells(path, np.column_stack([SQUARE, np.zeros(6)]), cells)
    mesh = read_mesh(path)
    assert [(block.kind, block.number.tolist()) for block in mesh.cells] == [("triangle", [0, 2]), ("quad", [1])]
    assert all(isinstance(block, CellBlock) for block in mesh.cells)
