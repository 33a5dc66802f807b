"""What [mesh.layers] means together with the rest of a case."""

from __future__ import annotations

from collections.abc import Generator, Iterator, Mapping

from catholyte.case.faults import Fault
from catholyte.case.layer_tables import DomainSizes, LayerConduction, LayersMesh
from catholyte.case.schema import Case
from catholyte.errors import nearest

SEPARATOR = "separator"
#: names of the phases that conduct through the layers
OF_LAYERS = ("electrons", "ions")

Faults = Iterator[Fault]
Kinds = Mapping[str, str | None]

_PATH = ("mesh", "layers")


def layer_faults(case: Case, layers: LayersMesh, kinds: Kinds) -> Faults:
    """Yield the faults of [mesh.layers]; ``kinds`` is None for a phase whose material could not be read."""
    if (layers.thickness is None) == (layers.loading is None):
        yield Fault((*_PATH, "thickness"), "exactly one of thickness, like '23 um', and loading, like '2 mg/cm2'")
    domain = yield from named_phase((*_PATH, "domain", "phase"), layers.domain.phase, kinds, ("active", "conductor"))
    electrolyte = yield from _electrolyte(layers, kinds)
    yield from size_faults((*_PATH, "domain", "diameter"), layers.domain.diameter)
    yield from _conduction(layers.conduction)
    yield from _surroundings(case)
    if domain is None or electrolyte is None:
        return
    for name, kind in kinds.items():
        if name not in (domain, electrolyte) and kind in ("active", "electrolyte"):
            expected = (
                f"a conductor or a void beside the domains ({domain}) and their electrolyte ({electrolyte}); "
                f"{name} is of kind {kind}"
            )
            yield Fault(("phases", name, "material"), expected)
    yield from _pairs(case, domain, electrolyte)


def named_phase(
    path: tuple[str, ...], name: str, kinds: Kinds, wanted: tuple[str, ...]
) -> Generator[Fault, None, str | None]:
    """Return the name of a phase, or None after yielding why it cannot be meant."""
    if name not in kinds:
        yield Fault(path, f"the name of a phase ({', '.join(kinds)})", nearest(name, kinds))
        return None
    kind = kinds[name]
    if kind is not None and kind not in wanted:
        yield Fault(path, f"a phase of kind {' or '.join(wanted)}; {name} is of kind {kind}")
        return None
    return name


def _electrolyte(layers: LayersMesh, kinds: Kinds) -> Generator[Fault, None, str | None]:
    if layers.electrolyte is not None:
        path = (*_PATH, "electrolyte", "phase")
        return (yield from named_phase(path, layers.electrolyte.phase, kinds, ("electrolyte",)))
    found = [name for name, kind in kinds.items() if kind == "electrolyte"]
    if len(found) == 1:
        return found[0]
    if None not in kinds.values():
        said = f"the case has several ({', '.join(found)})" if found else "the case has none"
        expected = f"the phase around the domains, like {{ phase = 'electrolyte' }}: an electrolyte, and {said}"
        yield Fault((*_PATH, "electrolyte"), expected)
    return None


def size_faults(path: tuple[str, ...], sizes: DomainSizes) -> Faults:
    """Yield what is wrong with diameters."""
    if (sizes.median is None) == (sizes.sizes is None):
        yield Fault((*path, "median"), "exactly one of median, like '5 nm', and sizes, like ['2 um', '6 um']")
        return
    if sizes.sizes is None:
        if sizes.shares is not None:
            yield Fault((*path, "shares"), "this key with sizes only; a median has a spread and classes")
        if sizes.classes is not None and sizes.spread == 0.0:
            yield Fault((*path, "classes"), "a spread above 0 beside it: one size needs no classes")
        return
    for key in ("spread", "classes"):
        if getattr(sizes, key):
            yield Fault((*path, key), "this key with median only; sizes have shares")
    if not sizes.sizes:
        yield Fault((*path, "sizes"), "at least one diameter")
    elif sizes.shares is None or len(sizes.shares) != len(sizes.sizes):
        yield Fault((*path, "shares"), f"{len(sizes.sizes)} shares of the volume, one for each of sizes")
    elif min(sizes.shares) == 0.0 or abs(sum(sizes.shares) - 1.0) > 1e-6:
        yield Fault((*path, "shares"), f"shares above 0 that sum to 1, not {sum(sizes.shares):.6g}")


def _conduction(conduction: LayerConduction) -> Faults:
    path = (*_PATH, "conduction")
    for key in ("sigma_e", "sigma_i"):
        if getattr(conduction, key) == 0.0:
            yield Fault((*path, key), "a conductivity above zero: the layers have to conduct")
    missing = [key for key in ("sigma_e", "sigma_i") if getattr(conduction, key) is None]
    laws = [key for key in ("bruggeman", "result") if getattr(conduction, key) is not None]
    if len(laws) == 2:
        yield Fault((*path, "result"), "one of bruggeman and result, not both")
    elif laws and not missing:
        yield Fault((*path, laws[0]), "nothing beside sigma_e and sigma_i, which say all")
    elif missing and not laws:
        expected = (
            f"{' and '.join(missing)}, or where {'they come' if len(missing) == 2 else 'it comes'} from: "
            "bruggeman, like 1.5, or result, a folder"
        )
        yield Fault((*path, missing[0]), expected)


def _surroundings(case: Case) -> Faults:
    if case.mesh.collector is not None:
        yield Fault(("mesh", "collector"), "no collector with mesh.layers: a metal adds no resistance to them")
    if case.mesh.side_walls != "sealed":
        yield Fault(("mesh", "side_walls"), "this key with a mesh of voxels only; layers have no side walls")
    for name in OF_LAYERS:
        if name in case.phases:
            expected = f"another name; with mesh.layers {name!r} is what conducts along the depth"
            yield Fault(("phases", name), expected)


def _pairs(case: Case, domain: str, electrolyte: str) -> Faults:
    """Refuse interfaces that layers do not have."""
    meet = [frozenset((domain, electrolyte))]
    if case.mesh.separator is not None:
        meet.append(frozenset((electrolyte, SEPARATOR)))
    for name in case.interfaces:
        pair = frozenset(name.split("|"))
        known = len(pair) == 2 and all(side in case.phases or side in (SEPARATOR, "collector") for side in pair)
        if known and pair not in meet:
            said = " and ".join("|".join(sorted(sides)) for sides in meet)
            expected = f"an interface of the layers ({said}); contacts in series belong in cell.series_resistance"
            yield Fault(("interfaces", name), expected)
