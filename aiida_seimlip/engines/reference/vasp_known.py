"""What a profile holds of VASP: potentials, labels, and jobs that are under way or were never harvested."""

from __future__ import annotations

from collections.abc import Collection

from aiida import orm
from aiida_vasp.data.potcar import PotcarData, PotcarGroup

from aiida_seimlip.engines.reference.job_known import JobKind
from aiida_seimlip.engines.reference.vasp_job import VaspLabelWorkChain
from aiida_seimlip.options.vasp import VaspLabelOptions

KIND = JobKind('prepare_vasp', 'harvest_vasp', VaspLabelWorkChain, VaspLabelOptions)


def explain_potentials(options: VaspLabelOptions, elements: Collection[str], name: str) -> str | None:
    """Say which potentials are not in the profile.

    :param options: which family, and which potential for each element.
    :param elements: that potentials are needed for.
    :param name: of the input, for the message.
    :return: one sentence, or None if all are there.
    """
    family = options.potential_family
    if PotcarData.get_potcar_group(family) is None:
        groups = orm.QueryBuilder().append(PotcarGroup, project=['label']).all(flat=True)
        known = ', '.join(f'`{label}`' for label in sorted(groups)) or 'none'
        return (
            f'Input `{name}` names the potential family `{family}`, but this profile has {known}; upload it with '
            '`aiida-vasp potcar uploadfamily`.'
        )
    query = orm.QueryBuilder().append(PotcarGroup, filters={'label': family}, tag='family')
    present = set(query.append(PotcarData, with_group='family', project=['attributes.full_name']).all(flat=True))
    lacking = [element for element in elements if options.potential_of(element) not in present]
    if not lacking:
        return None
    missing = ', '.join(f'`{options.potential_of(element)}` for {element}' for element in lacking)
    others = sorted(full for full in present if full.split('_')[0] in lacking)
    there = f'it has {", ".join(f"`{full}`" for full in others)}: name one in `potential_mapping`' if others else (
        'it has no other potential for this'
    )  # fmt: skip
    return f'Input `{name}`: the potential family `{family}` lacks {missing}; {there}.'
