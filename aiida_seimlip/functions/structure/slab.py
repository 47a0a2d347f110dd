"""The calcfunction that makes slabs."""

from __future__ import annotations

from aiida import orm
from aiida.engine import calcfunction

from aiida_seimlip.data.frames import FramesData
from aiida_seimlip.data.structure import get_frame
from aiida_seimlip.options.structure.slab import SlabOptions
from aiida_seimlip.science.structures.slabs import make_slabs
from aiida_seimlip.science.structures.supercells import StructureError


@calcfunction
def make_slab(structure: FramesData | orm.StructureData, parameters: orm.Dict) -> dict[str, orm.Data]:
    """Cut a slab from a crystal, whose bonded units stay whole.

    :param structure: the crystal, in the cell that the Miller indices refer to: a structure, or one frame.
    :param parameters: as `SlabOptions`.
    :return: ``structure`` and ``record``.
    :raises StructureError: if there is no such plane or termination.
    """
    options = SlabOptions.from_node(parameters)
    (crystal,) = get_frame(structure).to_atoms()
    found = make_slabs(crystal, **options.keywords)
    if options.termination >= len(found):
        raise StructureError(
            f'There is no termination {options.termination}: there are {len(found)}, numbered from 0 to '
            f'{len(found) - 1}.'
        )
    slab = found[options.termination]
    atoms = slab.atoms.repeat((*options.repeat, 1))
    return {
        'structure': FramesData.from_atoms([atoms]),
        'record': orm.Dict({'kind': 'slab', **slab.to_dict(), 'repeat': options.repeat}),
    }
