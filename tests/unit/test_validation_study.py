"""Studies as a user meets them: runs that are kept, rows, page, picture, messages."""

import json
import os
from pathlib import Path

import pytest

from catholyte import cli
from catholyte.case import read_case
from catholyte.errors import InputError, InputErrors
from catholyte.plot.validation import Mark, measured_and_computed
from catholyte.results import Results
from catholyte.validation.identity import case_key
from catholyte.validation.runs import Job, Workers, carry_out
from catholyte.validation.study import read_study, run_study
from catholyte.validation.table import markdown

SLAB = (Path(__file__).parents[2] / "cases" / "verification" / "slab_discharge" / "case.toml").read_text("utf-8")
ROWS = """
[[rows]]
id = "{name}-capacity"
use = "calibrate"
unit = "mAh/g"
value = 127
tolerance = "2 %"
uncertainty = 2
measure = {{ quantity = "discharge capacity" }}

[[rows]]
id = "{name}-voltage"
use = "predict"
unit = "V"
value = 3.5
tolerance = 0.05
measure = {{ quantity = "mean discharge voltage" }}

[[rows]]
id = "{name}-end"
use = "blind"
unit = "V"
measure = {{ quantity = "voltage", step = 1, at = "10 minutes" }}

[[rows]]
id = "{name}-charge"
use = "predict"
unit = "mAh/g"
value = 100
measure = {{ quantity = "charge capacity" }}
"""


def make(folder, **texts):
    for name, text in texts.items():
        (folder / name).mkdir(parents=True)
        (folder / name / "case.toml").write_text(text, encoding="utf-8")
        (folder / name / "validation.toml").write_text(ROWS.format(name=name), encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def done(tmp_path_factory):
    """A study of two cases, of which the second cannot be built, and its answers."""
    folder = make(
        tmp_path_factory.mktemp("study") / "slabs",
        fast=SLAB.replace("C/2", "1C"),
        none=SLAB.replace('["active", "2 um"]', '["active", "2 um"], ["electrolyte", "1 um"]'),
    )
    told = []
    study = read_study(folder)
    answers = run_study(study, folder / "out", on_finished=lambda case, ended: told.append((case.name, ended)))
    return folder, answers, told


def test_a_study_goes_on_where_a_case_or_a_row_fails(done):
    _, answers, told = done
    by_id = {each.row.id: each for each in answers}
    assert [name for name, _ in told] == ["fast", "none"]
    assert not told[0][1].problem
    assert told[1][1].problem
    capacity = by_id["fast-capacity"].verdicts[0]
    assert 80.0 < capacity.computed < 127.5
    assert by_id["fast-voltage"].verdicts[0].within is not None
    assert by_id["fast-end"].verdicts[0].measured is None
    assert "which has none" in by_id["fast-charge"].problem
    assert by_id["none-capacity"].problem.startswith("the run stopped: ")


def test_the_order_is_calibrated_predicted_blind(done):
    uses = [each.row.use for each in done[1]]
    assert uses == sorted(uses, key=["calibrate", "predict", "blind"].index)


def test_runs_are_kept_until_the_case_changes(done):
    folder, _, _ = done
    result = folder / "out" / "fast.results"
    started = Results.open(result).provenance["started"], (result / "provenance.json").stat().st_mtime_ns
    told = []

    def again(**changes):
        told.clear()
        study = read_study(folder, rows=["fast-capacity"], **changes)
        run_study(study, folder / "out", on_finished=lambda _, ended: told.append(ended.kept))
        return Results.open(result).provenance["started"], (result / "provenance.json").stat().st_mtime_ns

    assert again() == started
    assert told == [True]
    case = folder / "fast" / "case.toml"
    case.write_text("# a remark changes nothing\n" + case.read_text())
    assert again() == started
    assert again(overrides=["phases.active.D=2e-11 cm2/s"]) != started
    assert told == [False]
    assert again() != started


def test_a_key_knows_the_numbers_of_a_material(tmp_path):
    library = Path(cli.__file__).parent / "materials" / "data"
    mine = next(library.rglob("Li6PS5Cl.toml")).read_text("utf-8")
    (tmp_path / "case.toml").write_text(SLAB.replace('"Li6PS5Cl"', '"mine.toml"'))
    keys = []
    for text in (mine, mine + "\n# remark\n", mine.replace('[sigma_i]\nvalue = "', '[sigma_i]\nvalue = "1')):
        (tmp_path / "mine.toml").write_text(text)
        keys.append(case_key(read_case(tmp_path / "case.toml")))
    assert keys[0] == keys[1]
    assert keys[0] != keys[2]


class Killed(BaseException):
    """Stands for the death of the process."""


def test_a_killed_run_goes_on(tmp_path, monkeypatch):
    from catholyte.results import ResultWriter

    case = tmp_path / "case.toml"
    case.write_text(SLAB)
    job = Job(case, (), tmp_path / "out" / "a.results", case_key(read_case(case)))
    append, count = ResultWriter.append_point, []

    def dying(self, point):
        count.append(1)
        if len(count) == 10:
            raise Killed
        append(self, point)

    monkeypatch.setattr(ResultWriter, "append_point", dying)
    with pytest.raises(Killed):
        carry_out(job)
    monkeypatch.undo()
    note = tmp_path / "out" / "a.results.json"
    assert json.loads(note.read_text())["state"] == "running"
    half = Results.open(job.folder)
    before, times = half.counts.points, half.curves["time"].to_numpy()
    assert not carry_out(job).kept
    whole = Results.open(job.folder).curves["time"].to_numpy()
    assert whole.size > before > 1
    assert (whole[:before] == times).all()  # it was not begun again with other time steps
    assert carry_out(job).kept


def test_a_folder_of_something_else_is_kept(tmp_path):
    case = tmp_path / "case.toml"
    case.write_text(SLAB)
    (tmp_path / "mine.results").mkdir()
    (tmp_path / "mine.results" / "letter.txt").write_text("dear")
    with pytest.raises(InputError, match="something else"):
        carry_out(Job(case, (), tmp_path / "mine.results", case_key(read_case(case))))
    assert (tmp_path / "mine.results" / "letter.txt").is_file()


def test_workers_have_one_thread_and_a_cache_of_their_own():
    with Workers(2) as workers:
        asked = [workers.pool.submit(os.getenv, name) for name in ("NUMBA_NUM_THREADS", "NUMBA_CACHE_DIR")]
        threads, cache = (each.result() for each in asked)
    assert threads == "1"
    assert Path(cache).name in ("worker-0", "worker-1")
    assert Path(cache) != Path(os.environ.get("NUMBA_CACHE_DIR", "."))


def test_processes_give_what_one_gives(done, tmp_path):
    folder, _, _ = done
    case = folder / "fast" / "case.toml"
    jobs = []
    for k, D in enumerate(("1e-11", "3e-11")):
        changes = (f"phases.active.D={D} cm2/s",)
        jobs.append(Job(case, changes, tmp_path / f"{k}.results", case_key(read_case(case, changes))))
    with Workers(2) as workers:
        ended = workers.run(jobs)
    assert [ended[job.key].problem for job in jobs] == ["", ""]
    alone = Job(jobs[1].case, jobs[1].overrides, tmp_path / "alone.results", jobs[1].key)
    carry_out(alone)
    ends = [Results.open(job.folder).summary()["discharge_capacity_mAh_g"] for job in (jobs[1], alone)]
    assert ends[0] == pytest.approx(ends[1], rel=1e-9)


# ---------------------------------------------------------------------------------------------------------- the command


def test_the_command_writes_table_page_and_picture(catholyte, done):
    folder, _, _ = done
    page = folder / "docs" / "slabs.md"
    command = ("validate", folder, "--out", folder / "out", "--write", page)
    code, out, err = catholyte(*command)
    assert code == 0, err
    for word in ("fast: ", "none: stopped", "fast-capacity", "calibrated", "blind", "within tolerance"):
        assert word in out
    assert (folder / "docs" / "slabs.png").stat().st_size > 10_000
    assert (folder / "out" / "validation.csv").read_text().startswith("row,use,unit,measured,computed")
    first = page.read_text("utf-8")
    assert "| fast-capacity | calibrated | mAh/g | 127 ± 2 |" in first
    assert "![Measured and computed](slabs.png)" in first
    page.write_text("Before.\n\n" + first + "\nBehind.\n", encoding="utf-8")
    assert catholyte(*command)[0] == 0
    again = page.read_text("utf-8")
    assert again == "Before.\n\n" + first + "\nBehind.\n"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("{folder}", "--rows", "fast-capcity"), ("--rows", "did you mean 'fast-capacity'")),
        (("{folder}", "--jobs", "0"), ("--jobs", "number of processes")),
        (("{folder}", "--write", "{folder}/page.txt"), ("--write", ".md")),
        (("{folder}", "--write", "{folder}/other.md"), ("--write", "a page with the lines")),
        (("{folder}", "--set", "phases.activ.D=1 cm2/s"), ("fast: phases.activ", "did you mean 'active'")),
        (("{folder}/docs",), ("FOLDER", "it has none")),
        (("{folder}/nowhere",), ("FOLDER", "nowhere")),
    ],
)
def test_wrong_options(catholyte, done, arguments, words):
    folder, _, _ = done
    (folder / "docs").mkdir(exist_ok=True)
    (folder / "other.md").write_text("# Something else\n")
    code, _, err = catholyte("validate", *(each.format(folder=folder) for each in arguments))
    assert code == cli.BAD_INPUT
    for word in words:
        assert word in err


def test_ids_are_unique_in_a_study(tmp_path):
    make(tmp_path, a=SLAB, b=SLAB)
    (tmp_path / "b" / "validation.toml").write_text(ROWS.format(name="a"))
    with pytest.raises(InputErrors, match="it stands in a and b"):
        read_study(tmp_path)


def test_faults_of_all_cases_are_told_at_once(tmp_path):
    make(tmp_path, a=SLAB.replace("Li-In", "Li-Im"), b=SLAB.replace("[cell]", "[cel]"))
    (tmp_path / "a" / "case.toml").write_text(SLAB.replace("cross_section", "crossection"))
    with pytest.raises(InputErrors) as refused:
        read_study(tmp_path)
    assert "a: mesh.laminate.crossection" in str(refused.value)
    assert "b: cel" in str(refused.value)


def test_markdown_leaves_out_empty_columns(done):
    _, answers, _ = done
    blind = [each for each in answers if each.row.use == "blind" and not each.problem]
    assert markdown(blind).splitlines()[0] == "| row | use | unit | computed | case |"


def test_the_picture_tells_uses_apart_and_takes_ranges_and_zeros(tmp_path):
    marks = [
        Mark("a", "calibrate", "mAh/g", 118.0, 120.0, 5.0),
        Mark("b", "predict", "mAh/g", 2.0, 0.0, 0.0),
        Mark("c", "blind", "mAh/g", 80.0, None, 0.0),
        Mark("d", "predict", "cm2/s", 3e-11, (1e-12, 1e-9), 0.0),
        Mark("e", "calibrate", "V", float("nan"), 3.6, 0.0),
    ]
    figure = measured_and_computed(marks)
    figure.savefig(tmp_path / "v.png")
    bars = [axes for axes in figure.axes if axes.patches or axes.get_yticklabels()]
    named = [label.get_text() for axes in bars for label in axes.get_yticklabels()]
    assert {"a", "b", "c", "d", "e"} <= set(named)
    assert len({patch.get_edgecolor() for patch in figure.axes[0].patches}) == 3
    assert [axes.get_xscale() for axes in figure.axes[::2]] == ["linear", "log", "linear"]
