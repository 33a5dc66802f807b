"""Label images: formats agree with one another, and every refusal says what would have been right."""

from __future__ import annotations

import os
import time
import zipfile
from pathlib import Path

import numpy as np
import pytest

from catholyte.errors import InputError
from catholyte.mesh import images
from catholyte.mesh.catalogue import DATA_FOLDER, fetch

SPACING = (0.4e-6, 0.3e-6, 0.2e-6)

needs_data = pytest.mark.skipif(
    not os.environ.get(DATA_FOLDER), reason=f"{DATA_FOLDER} names no folder with the public volumes"
)


@pytest.fixture
def labels() -> np.ndarray:
    return np.random.default_rng(3).integers(0, 4, size=(5, 6, 7)).astype(np.uint8)


@pytest.mark.parametrize("suffix", [".tif", ".tiff", ".npy", ".npz", ".vti"])
@pytest.mark.parametrize("shape", [(5, 6, 7), (5, 1, 1), (1, 4, 3)])
def test_a_written_image_reads_back(tmp_path: Path, suffix: str, shape: tuple[int, int, int]) -> None:
    labels = np.random.default_rng(3).integers(0, 4, size=shape).astype(np.uint8)
    path = tmp_path / f"image{suffix}"
    images.write_image(path, labels, SPACING)
    read = images.read_image(path)
    assert read.dtype == np.uint8
    np.testing.assert_array_equal(read, labels)


def test_vti_keeps_axes_and_voxel_size(tmp_path: Path, labels: np.ndarray) -> None:
    pyvista = pytest.importorskip("pyvista")
    images.write_image(tmp_path / "image.vti", labels, SPACING)
    grid = pyvista.read(tmp_path / "image.vti")
    assert grid.spacing == pytest.approx(SPACING[::-1])
    # the cell that holds a point given in (x, y, z) has the label at [z, y, x]
    z, y, x = 3, 1, 5
    point = [(n + 0.5) * h for n, h in zip((x, y, z), SPACING[::-1], strict=True)]
    assert grid.cell_data["labels"][grid.find_containing_cell(point)] == labels[z, y, x]


def test_vti_point_data_by_name(tmp_path: Path, labels: np.ndarray) -> None:
    pyvista = pytest.importorskip("pyvista")
    grid = pyvista.ImageData(dimensions=labels.shape[::-1])
    grid.point_data["phase"] = labels.ravel()
    grid.point_data["noise"] = np.zeros(labels.size)
    grid.save(tmp_path / "points.vti")
    np.testing.assert_array_equal(images.read_image(tmp_path / "points.vti", array="phase"), labels)
    with pytest.raises(InputError, match="did you mean 'phase'"):
        images.read_image(tmp_path / "points.vti", array="phases")
    with pytest.raises(InputError, match="noise"):
        images.read_image(tmp_path / "points.vti")


def test_raw_image(tmp_path: Path, labels: np.ndarray) -> None:
    labels.astype(">u2").tofile(tmp_path / "image.raw")
    read = images.read_image(tmp_path / "image.raw", shape=labels.shape, dtype=">u2")
    assert read.dtype == np.uint16
    np.testing.assert_array_equal(read, labels)
    with pytest.raises(InputError, match="210 bytes for 5 x 6 x 7 voxels of type uint8"):
        images.read_image(tmp_path / "image.raw", shape=labels.shape, dtype="uint8")
    with pytest.raises(InputError, match="did you mean 'uint8'"):
        images.read_image(tmp_path / "image.raw", shape=labels.shape, dtype="uint 8")
    with pytest.raises(InputError, match=r"mesh\.image\.shape"):
        images.read_image(tmp_path / "image.raw", dtype="uint8")


def test_zip_and_packbits_and_bool_stacks(tmp_path: Path, labels: np.ndarray) -> None:
    from PIL import Image

    pages = [Image.fromarray(layer) for layer in labels]
    pages[0].save(tmp_path / "packed.tif", save_all=True, append_images=pages[1:], compression="packbits")
    np.testing.assert_array_equal(images.read_image(tmp_path / "packed.tif"), labels)
    with zipfile.ZipFile(tmp_path / "packed.zip", "w") as archive:
        archive.write(tmp_path / "packed.tif", "folder/packed.tif")
        archive.writestr("__MACOSX/._packed.tif", b"not an image")
    np.testing.assert_array_equal(images.read_image(tmp_path / "packed.zip"), labels)
    np.save(tmp_path / "bool.npy", labels > 1)
    read = images.read_image(tmp_path / "bool.npy")
    assert read.dtype == np.uint8
    np.testing.assert_array_equal(read, labels > 1)


def test_refused_files(tmp_path: Path, labels: np.ndarray) -> None:
    np.save(tmp_path / "electrode.npy", labels)
    with pytest.raises(InputError, match=r"did you mean 'electrode\.npy'"):
        images.read_image(tmp_path / "electrod.npy")
    (tmp_path / "image.tif2").write_bytes(b"x")
    with pytest.raises(InputError, match=r"did you mean '\.tif"):
        images.read_image(tmp_path / "image.tif2")
    for name in ("broken.tif", "broken.npy", "broken.npz", "broken.zip", "broken.vti"):
        (tmp_path / name).write_bytes(b"nothing that anybody can read")
        with pytest.raises(InputError, match="broken"):
            images.read_image(tmp_path / name)
    np.save(tmp_path / "flat.npy", labels[0])
    with pytest.raises(InputError, match="three-dimensional"):
        images.read_image(tmp_path / "flat.npy")
    np.save(tmp_path / "grey.npy", labels / 2.0)
    with pytest.raises(InputError, match="whole-number labels"):
        images.read_image(tmp_path / "grey.npy")
    np.savez(tmp_path / "two.npz", a=labels, b=labels)
    with pytest.raises(InputError, match=r"a \(5, 6, 7\), b \(5, 6, 7\)"):
        images.read_image(tmp_path / "two.npz")
    with pytest.raises(InputError, match=r"\.tif, \.tiff"):
        images.write_image(tmp_path / "image.png", labels, SPACING)
    with pytest.raises(InputError, match="uint8 or uint16"):
        images.write_image(tmp_path / "image.tif", labels.astype(np.int32), SPACING)


def test_orient_and_crop(labels: np.ndarray) -> None:
    np.testing.assert_array_equal(images.orient(labels, "x"), labels.transpose(2, 0, 1))
    np.testing.assert_array_equal(images.orient(labels, 1, flip=True), labels.transpose(1, 0, 2)[::-1])
    np.testing.assert_array_equal(images.crop(labels, [[1, 4], [0, 6], [2, 3]]), labels[1:4, :, 2:3])
    with pytest.raises(InputError, match="y1 <= 6, the image's size along y"):
        images.crop(labels, [[1, 4], [0, 7], [2, 3]])
    with pytest.raises(InputError, match=r"mesh\.image\.axis"):
        images.orient(labels, "w")


def test_downsample_takes_the_majority_and_the_lowest_label_of_a_tie() -> None:
    image = np.zeros((3, 2, 4), np.uint8)
    image[:2, :, :2] = np.array([7, 7, 7, 7, 7, 2, 2, 2], np.uint8).reshape(2, 2, 2)
    image[:2, :, 2:] = np.array([9, 9, 9, 9, 4, 4, 4, 4], np.uint8).reshape(2, 2, 2)
    np.testing.assert_array_equal(images.downsample(image, 2), [[[7, 4]]])
    with pytest.raises(InputError, match="from 1 to 2"):
        images.downsample(image, 3)


@pytest.mark.parametrize("kind", [np.uint8, np.uint16, np.int32])
def test_relabel(kind: type) -> None:
    image = np.array([0, 85, 170, 85] * 4, kind).reshape(4, 2, 2)
    merged = images.relabel(image, {0: 2, 85: 1, 170: 2})
    assert merged.dtype == np.uint8
    np.testing.assert_array_equal(merged, np.where(image == 85, 1, 2))
    with pytest.raises(InputError, match=r"170 \(25\.0000% of the voxels\)"):
        images.relabel(image, {0: 2, 85: 1})
    with pytest.raises(InputError, match=r"phases\.carbon\.label = 171: expected one of 0, 85, 170.*'170'"):
        images.relabel(image, {0: 2, 85: 1, 171: 0}, key_of={171: "phases.carbon.label"})


def test_describe_counts_face_connected_clusters() -> None:
    image = np.zeros((4, 4, 4), np.uint8)
    image[:, 1, 1] = 1  # a column through z
    image[0, 2, 2] = 1  # touches it along an edge only
    summary = images.describe(image)
    assert summary[1].clusters == 2
    assert summary[1].largest_share == pytest.approx(0.8)
    assert summary[1].percolates == (True, False, False)
    assert summary[0].percolates == (True, True, True)
    assert sum(s.fraction for s in summary.values()) == pytest.approx(1.0)


@needs_data
def test_the_real_scan_reads_fast_and_right() -> None:
    path = fetch("nrel-nmc532-calendered")
    start = time.perf_counter()
    image = images.read_image(path)
    elapsed = time.perf_counter() - start
    assert image.shape == (251, 301, 301)
    fractions = {label: count / image.size for label, count in images.count_labels(image).items()}
    assert fractions == pytest.approx({0: 0.40055, 1: 0.49945, 2: 0.10000}, abs=5e-6)
    assert elapsed < 2.0  # 0.2 s on a quiet machine; a Python decoder takes more than this on a busy one
