"""What a profile holds of Quantum ESPRESSO: pseudopotentials, labels, and jobs that are under way."""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass

from aiida import orm
from aiida_pseudo.data.pseudo.upf import UpfData
from aiida_pseudo.groups.family import PseudoPotentialFamily

from aiida_seimlip.data.frames import FramesData
from aiida_seimlip.engines.reference.job_known import JobKind
from aiida_seimlip.engines.reference.quantumespresso_job import PwLabelWorkChain
from aiida_seimlip.options.quantumespresso import PwLabelOptions

HEADER_BYTES = 20000
"""So much of a UPF file is looked at for what kind it is of."""


@dataclass(frozen=True)
class PwJobKind(JobKind):
    """Labels of pw.x, which are the same only if the pseudopotentials have the same content, too."""

    def find_labelled(self, parameters: orm.Dict, frames: FramesData) -> dict[str, FramesData]:
        """Return the sets labelled by the same method, with the pseudopotentials that the family holds today."""
        found = super().find_labelled(parameters, frames)
        wanted = {
            element: node.md5
            for element, node in load_potentials(parameters['potential_family'], frames.elements).items()
        }
        return {name: node for name, node in found.items() if _potentials_of(node).items() >= wanted.items()}


def load_potentials(family: str, elements: Collection[str]) -> dict[str, UpfData]:
    """Return the pseudopotentials of a family by element, without those that it lacks.

    :param family: its label.
    :param elements: chemical symbols.
    """
    query = orm.QueryBuilder().append(PseudoPotentialFamily, filters={'label': family}, tag='family')
    query.append(UpfData, with_group='family', filters={'attributes.element': {'in': list(elements)}})
    return {node.element: node for node in query.all(flat=True)} if elements else {}


def explain_potentials(options: PwLabelOptions, elements: Collection[str], name: str) -> str | None:
    """Say which pseudopotentials are not in the profile, or are not of the kind that the options are for.

    :param options: which family and functional.
    :param elements: that pseudopotentials are needed for.
    :param name: of the input, for the message.
    :return: one sentence, or None if all is well.
    """
    family = options.potential_family
    labels = orm.QueryBuilder().append(PseudoPotentialFamily, project=['label']).all(flat=True)
    if family not in labels:
        known = ', '.join(f'`{label}`' for label in sorted(labels)) or 'none'
        return (
            f'Input `{name}` names the family of pseudopotentials `{family}`, but this profile has {known}; install '
            'it with `aiida-pseudo install family FOLDER NAME -P pseudo.upf`.'
        )
    found = load_potentials(family, elements)
    lacking = sorted(set(elements) - set(found))
    if lacking:
        return f'Input `{name}`: the family `{family}` holds no pseudopotential in UPF for {", ".join(lacking)}.'
    for element, node in sorted(found.items()):
        fault = _fault_of(node, options)
        if fault is not None:
            return f'Input `{name}`: the pseudopotential for {element} of `{family}` {fault}.'
    return None


def _fault_of(node: UpfData, options: PwLabelOptions) -> str | None:
    """Return what does not fit about a pseudopotential, None if nothing is known not to fit."""
    with node.open(mode='rb') as handle:
        header = handle.read(HEADER_BYTES).decode('utf-8', 'replace')
    functional, kind = (_entry(header, entry) for entry in ('functional', 'pseudo_type'))
    short = {'SLA PW PBX PBC': 'PBE', 'SLA-PW-PBX-PBC': 'PBE', 'SLA PW PSX PSC': 'PBESOL', 'SLA-PW-PSX-PSC': 'PBESOL'}
    functional = short.get(functional, functional)
    if functional and functional != options.functional.upper():
        return f'was made for {functional}, but `functional` is {options.functional}'
    if kind and kind != 'NC' and options.ecutrho is None:
        return f'is of the kind {kind}: give `ecutrho`, as four times `ecutwfc` is right for norm-conserving ones only'
    return None


def _entry(header: str, name: str) -> str:
    match = re.search(rf'\b{name}\s*=\s*["\']\s*(.*?)\s*["\']', header)
    return ' '.join(match.group(1).upper().split()) if match else ''


def _potentials_of(labelled: FramesData) -> dict[str, str]:
    """Return the MD5 sums of the pseudopotentials that a set of labels was made with, by element."""
    creator = labelled.creator
    links = [] if creator is None else creator.base.links.get_incoming(link_label_filter='pseudos__%').all()
    return {link.link_label.removeprefix('pseudos__'): link.node.md5 for link in links}


KIND = PwJobKind('prepare_pw', 'harvest_pw', PwLabelWorkChain, PwLabelOptions)
