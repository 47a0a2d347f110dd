"""Labels from a program that AiiDA drives: here ASE, in a job of its own."""

import pydantic
from aiida import orm
from aiida.engine import calcfunction
from ase.calculators.lj import LennardJones

from aiida_seimlip.data.frames import FramesData
from aiida_seimlip.engines.reference.contract import ReferenceWorkChain
from aiida_seimlip.options.base import Options
from aiida_seimlip.science.frames import Frames

METHOD = ('Lennard-Jones', 'free')  # who computed the labels, and which energy they hold


class MyCodeOptions(Options):
    """Settings of the program: units and limits are checked when a user submits."""

    sigma: float = pydantic.Field(3.4, gt=0, description='Distance at which the energy is zero, in Å.')
    epsilon: float = pydantic.Field(0.0104, gt=0, description='Depth of the well, in eV.')
    cutoff: float = pydantic.Field(6.0, gt=0, description='In Å.')


@calcfunction
def run_mycode(frames: FramesData, parameters: orm.Dict) -> FramesData:
    """Stand for the CalcJob and the parser of the program: new data come from such processes only."""
    options = MyCodeOptions.from_node(parameters)
    given = frames.get_frames(trace=True).without_labels()  # they remember where they come from
    images = given.to_atoms()
    for atoms in images:
        atoms.calc = LennardJones(sigma=options.sigma, epsilon=options.epsilon, rc=options.cutoff, smooth=True)
        atoms.get_potential_energy()
        atoms.get_stress()
    labels = Frames.from_atoms(images)
    labelled = given.replace(energies=labels.energies, forces=labels.forces, stresses=labels.stresses)
    return FramesData(labelled.computed_by(*METHOD))


class MyCodeReferenceWorkChain(ReferenceWorkChain):
    """Label frames with the program; labels that the profile holds are not computed again."""

    needs_code = False  # an engine with a program leaves this line out, and submits CalcJobs with `self.inputs.code`
    supports_dynamics = False

    @classmethod
    def define(cls, spec):
        super().define(spec)
        spec.input('parameters', **MyCodeOptions.port('The potential of Lennard and Jones.'))
        spec.outline(cls.label)

    @classmethod
    def describe_labels(cls, settings):
        return METHOD

    def label(self):
        frames = self.split_known()
        jobs = {}
        if frames is not None:
            labelled = run_mycode(frames, self.inputs.parameters)
            jobs['job_000'] = {'frames': frames, 'labelled': labelled}
        self.attach_labels(jobs)
