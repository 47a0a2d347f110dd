"""Energies of interfaces from the energies of what they are made of."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class InterfaceEnergies:
    """Energies per area of an interface, in eV/Å².

    :param interface: what it costs above the two crystals, strained as they are in it.
    :param adhesion: what it costs to part it into two slabs of the same strain.
    :param film: surface energy of the film.
    :param substrate: surface energy of the substrate.
    """

    interface: float
    adhesion: float
    film: float
    substrate: float


def interface_energies(
    energy: float, bulks: tuple[float, float], slabs: tuple[float, float], area: float, n_interfaces: int
) -> InterfaceEnergies:
    """Return interface energy, work of adhesion and surface energies.

    With E of the interface, E_s of both slabs in vacuum and E_b of both crystals, all of the same atoms and the same
    strain in the plane, in a cell of area A with n interfaces:

    - work of adhesion W = (ΣE_s − E) / (n A);
    - surface energies γ_s = (E_s − E_b) / (2 A), the means of both faces of a slab;
    - interface energy γ = Σγ_s − W, the equation of Dupré, which without vacuum (n = 2) is (E − ΣE_b) / (2 A).

    The energy of the strain is in none of them. With one interface and vacuum (n = 1) the faces away from it are taken
    to cost the mean of both faces of the slab.

    :param energy: of the interface in eV.
    :param bulks: of film and substrate as crystals in eV.
    :param slabs: of film and substrate in vacuum in eV.
    :param area: of the cell in Å².
    :param n_interfaces: 2 without vacuum, 1 with it.
    """
    surfaces = [(slab - bulk) / (2.0 * area) for slab, bulk in zip(slabs, bulks, strict=True)]
    adhesion = (sum(slabs) - energy) / (n_interfaces * area)
    return InterfaceEnergies(sum(surfaces) - adhesion, adhesion, *surfaces)
