"""The catalogue: complete entries, checked files, and errors that say what to do."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from catholyte.errors import InputError
from catholyte.mesh import catalogue, images
from catholyte.mesh.catalogue import DATA_FOLDER, FetchError

NAMES = list(catalogue.catalogue())

needs_data = pytest.mark.skipif(
    not os.environ.get(DATA_FOLDER), reason=f"{DATA_FOLDER} names no folder with the public volumes"
)


@pytest.mark.parametrize("name", NAMES)
def test_entries_are_complete(name: str) -> None:
    entry = catalogue.entry(name)
    assert len(entry.sha256) == 64
    assert entry.url.startswith("https://raw.githubusercontent.com/")
    assert entry.url.endswith(entry.file)
    assert len(entry.shape) == 3
    assert entry.axis in (0, 1, 2)
    assert entry.licence in ("MIT", "BSD-2-Clause", "BSD-3-Clause")
    assert all((entry.title, entry.description, entry.source, entry.citation, entry.remarks, entry.labels))
    assert entry.voxel_size is None or 1e-9 < entry.voxel_size < 1e-5


def test_unknown_name() -> None:
    with pytest.raises(InputError, match="did you mean 'nrel-bi-layer'"):
        catalogue.fetch("nrel-bilayer")


@needs_data
@pytest.mark.parametrize("name", NAMES)
def test_files_are_what_the_manifest_says(name: str) -> None:
    entry = catalogue.entry(name)
    image = images.read_image(catalogue.fetch(name))
    assert image.shape == entry.shape
    assert list(images.count_labels(image)) == sorted(entry.labels.values())


def test_a_wrong_file_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / "nrel_Bi_layer.tif").write_bytes(b"something else")
    monkeypatch.setenv(DATA_FOLDER, str(tmp_path))
    with pytest.raises(FetchError, match=r"nrel_Bi_layer\.tif is not the file .* expected 4c52581d"):
        catalogue.fetch("nrel-bi-layer")
    monkeypatch.setenv(DATA_FOLDER, str(tmp_path / "nowhere"))
    with pytest.raises(InputError, match="existing folder"):
        catalogue.fetch("nrel-bi-layer")


@pytest.mark.parametrize(
    ("failure", "match"),
    [
        (OSError("no route to host"), rf"no route to host\. Download https://.*{DATA_FOLDER}"),
        (
            ValueError("SHA256 hash of downloaded file does not match"),
            "is not the file that the catalogue knows",
        ),
    ],
)
def test_a_failed_download_says_what_to_do(
    failure: Exception, match: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import pooch

    def fail(*_: object, **__: object) -> str:
        raise failure

    monkeypatch.setattr(pooch, "retrieve", fail)
    monkeypatch.setattr(pooch, "os_cache", lambda _: tmp_path)
    monkeypatch.delenv(DATA_FOLDER, raising=False)
    with pytest.raises(FetchError, match=match):
        catalogue.fetch("imagerep-stack")
