"""What ``catholyte materials --transport`` shows: conductivity and diffusivity of hosts in one language."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from rich.console import Group
from rich.table import Table
from rich.text import Text

from catholyte.materials.transport import DUAL_CONDUCTIVE, EDGE, UTILISATION
from catholyte.report.tables import length_text, new_table

if TYPE_CHECKING:
    from catholyte.materials.transport import Comparison, Transport, TransportPoint

MISSING = "missing"
MS_CM = 0.1  # S/m in 1 mS/cm
CM2_S = 1e-4  # m²/s in 1 cm²/s
_UNITS = {"sigma_e": ("mS/cm", MS_CM), "sigma_i": ("mS/cm", MS_CM), "D": ("cm2/s", CM2_S)}
_PLACES = ("charged", "half-way", "discharged")


def transport_report(found: Transport) -> Group:
    """Return transport in one host: at both ends and half-way, in a dense layer, and beside reported values."""
    table = new_table(f"{found.material} at {found.T - 273.15:.4g} °C", "", *_PLACES, "mean")
    bound = "≤ " if found.electrons_fast else ""
    other = "≥ " if found.electrons_fast else ""
    given_D = found.given == "D"
    rows: list[tuple[str, str, str, float]] = [
        ("lithiation x", "x", "", 1.0),
        ("U  V", "U", "", 1.0),
        ("-dU/dx  V", "slope", "", -1.0),
        (_origin("sigma_e  mS/cm", given=not found.electrons_fast), "sigma_e", "", MS_CM),
        (_origin("sigma_i  mS/cm", given=found.given == "sigma_i"), "sigma_i", other if given_D else "", MS_CM),
        ("ambipolar sigma_a  mS/cm", "sigma_a", "" if given_D else bound, MS_CM),
        ("transference number t_e", "t_e", "", 1.0),
        ("thermodynamic factor", "thermodynamic_factor", "", 1.0),
        ("component D_sigma  cm2/s", "D_sigma", "" if given_D else bound, CM2_S),
        (_origin("D  cm2/s", given=given_D), "D", "" if given_D else bound, CM2_S),
    ]
    means = {"sigma_a": found.sigma_a_mean, "D": found.D_mean}
    for name, field, sign, unit in rows:
        shown = [_number(getattr(point, field), unit, sign) for point in found.points]
        table.add_row(name, *shown, _number(means[field], unit, sign) if field in means else "")
    lines = [
        f"dense layer of {length_text(found.thickness)}: L²/D half-way {_seconds(found.diffusion_time)}, "
        f"{UTILISATION:.0%} of its capacity up to {_rate(found)}",
    ]
    if found.electrons_fast:
        lines.append("no electronic conductivity: ≤ and ≥ stand for mobile electrons")
    parts: list[Any] = [table, "", *map(Text, lines)]
    if found.comparisons:
        parts += ["", _comparison(found.comparisons)]
    return Group(*parts)


def transport_table(found: Sequence[Transport]) -> Group:
    """Return one line a host, the rows of the table of dual conductors before the others."""
    first = found[0]
    title = f"{length_text(first.thickness)} dense, {first.T - 273.15:.4g} °C, half-way through the capacity"
    rows = {each.material: each for each in found}
    printed = [rows[name] for name in DUAL_CONDUCTIVE if name in rows]
    others = [each for each in found if each.material not in DUAL_CONDUCTIVE]
    parts: list[Any] = []
    for name, group in (("Table 1 of doi:10.1039/d5ee01767j", printed), ("Other hosts", others)):
        if group:
            parts += [_lines(f"{name}; {title}", group), ""]
    parts.append(
        Text(
            "* given, the other follows from it. ≤, ≥: no electronic conductivity, electrons taken as mobile. "
            f"D mean: over x, {EDGE:.0%} of the capacity left out at either end. "
            f"rate: {UTILISATION:.0%} of the capacity between them is used"
        )
    )
    return Group(*parts)


def transport_facts(found: Transport) -> dict[str, Any]:
    """Return the numbers of a host for ``--format json``; null where one is missing."""
    return {
        "material": found.material,
        "row_of_table": DUAL_CONDUCTIVE.index(found.material) + 1 if found.material in DUAL_CONDUCTIVE else None,
        "temperature_K": found.T,
        "thickness_m": found.thickness,
        "given": found.given,
        "electrons_taken_as_mobile": found.electrons_fast,
        **{name: _point_facts(point) for name, point in zip(_PLACES, found.points, strict=True)},
        "D_mean_cm2_s": _scaled(found.D_mean, CM2_S),
        "sigma_a_mean_mS_cm": _scaled(found.sigma_a_mean, MS_CM),
        "diffusion_time_s": found.diffusion_time,
        "highest_C_rate_per_h": found.highest_rate,
        "utilisation": UTILISATION,
        "reported": [_comparison_facts(each) for each in found.comparisons],
    }


# ------------------------------------------------------------------------------------------------------ parts


def _lines(title: str, group: Sequence[Transport]) -> Table:
    columns = ("sigma_e\nmS/cm", "sigma_i\nmS/cm", "t_e", "Θ", "D\ncm2/s", "D mean\ncm2/s", "L²/D", "rate")
    table = new_table(title, "material", *columns)
    table.collapse_padding = True
    for each in group:
        point, fast = each.middle, each.electrons_fast
        by_D, by_sigma = each.given == "D", each.given == "sigma_i"
        mark_D, mark_sigma = ("*" if by_D else ""), ("*" if by_sigma else "")
        least, most = ("≥ " if fast and by_D else ""), ("≤ " if fast and by_sigma else "")
        table.add_row(
            each.material,
            _number(point.sigma_e, MS_CM),
            _number(point.sigma_i, MS_CM, least) + mark_sigma,
            _number(point.t_e, 1.0),
            _number(point.thermodynamic_factor, 1.0),
            _number(point.D, CM2_S, most) + mark_D,
            _number(each.D_mean, CM2_S, most),
            _seconds(each.diffusion_time),
            _rate(each),
        )
    return table


def _comparison(comparisons: Sequence[Comparison]) -> Table:
    table = new_table("Reported beside", "", "reported", "here", "reported/here", "reported means", "source")
    for each in comparisons:
        quantity = each.reported.quantity
        unit, factor = _UNITS[quantity]
        implied = ""
        if each.implies is not None:
            name = "D" if quantity == "sigma_i" else "sigma_i"
            implied = f"{name} {_ends(each.implies, _UNITS[name][1])} {_UNITS[name][0]}"
        here = _number(each.here, factor, "", MISSING if each.here is None else f" {unit}")
        ratio = MISSING if each.ratio is None else _ends(each.ratio, 1.0)
        table.add_row(quantity, each.reported.text, here, ratio, implied, str(each.reported.origin))
    return table


def _point_facts(point: TransportPoint) -> dict[str, Any]:
    return {
        "x": point.x,
        "U_V": point.U,
        "dU_dx_V": point.slope,
        "sigma_e_mS_cm": _scaled(point.sigma_e, MS_CM),
        "sigma_i_mS_cm": _scaled(point.sigma_i, MS_CM),
        "sigma_a_mS_cm": _scaled(point.sigma_a, MS_CM),
        "t_e": point.t_e,
        "thermodynamic_factor": point.thermodynamic_factor,
        "D_sigma_cm2_s": _scaled(point.D_sigma, CM2_S),
        "D_cm2_s": _scaled(point.D, CM2_S),
    }


def _comparison_facts(each: Comparison) -> dict[str, Any]:
    quantity = each.reported.quantity
    unit, factor = _UNITS[quantity]
    other = {"sigma_i": "D", "D": "sigma_i"}.get(quantity)
    implied = None
    if each.implies is not None and other is not None:
        name, size = _UNITS[other]
        implied = {"quantity": other, "unit": name, "range": [value / size for value in each.implies]}
    return {
        "quantity": quantity,
        "unit": unit,
        "range": [each.reported.low / factor, each.reported.high / factor],
        "here": _scaled(each.here, factor),
        "reported_over_here": None if each.ratio is None else list(each.ratio),
        "means": implied,
        "source": str(each.reported.origin),
    }


def _origin(name: str, *, given: bool) -> str:
    return f"{name}  (given)" if given else name


def _scaled(value: float | None, unit: float) -> float | None:
    return None if value is None else value / unit


def _number(value: float | None, unit: float, sign: str = "", end: str = "") -> str:
    return MISSING if value is None else f"{sign}{value / unit:.3g}{end}"


def _ends(pair: tuple[float, float], unit: float) -> str:
    low, high = (f"{value / unit:.3g}" for value in pair)
    return low if low == high else f"{low} to {high}"


def _rate(found: Transport) -> str:
    return _number(found.highest_rate, 1.0, "≤ " if found.electrons_fast else "", "C")


def _seconds(value: float | None) -> str:
    if value is None:
        return MISSING
    for name, size in (("y", 365.25 * 86400.0), ("d", 86400.0), ("h", 3600.0), ("min", 60.0)):
        if value >= size:
            return f"{value / size:.3g} {name}"
    return f"{value:.3g} s"
