"""What the properties of crystals say of the models."""

from ase import Atoms

from aiida_seimlip.functions.model_jobs import doubt_of_composition
from aiida_seimlip.science.frames import Frames


def test_energies_of_compositions_that_the_training_set_does_not_tell(load_potential, frames_training):
    potential = load_potential('shared/l08_nbh_40.almtp').clone()
    frame = Frames.from_atoms([Atoms('Li7C4O12')])
    assert doubt_of_composition(None, frame) is None
    assert doubt_of_composition(potential, frame) is None, 'nothing is known of its training set'
    potential.set_compositions([frames_training.get_frames()])
    assert doubt_of_composition(potential, frame) == (
        'The energy of C4Li7O12 means nothing beside that of other compositions: the training set of the potential '
        'holds CLi2O3 and what is made of them.'
    )
    assert doubt_of_composition(potential, Frames.from_atoms([Atoms('Li8C4O12')])) is None
    metal = Frames.from_atoms([Atoms('Li')])
    potential.set_compositions([frames_training.get_frames(), metal])
    assert potential.compositions == [[2, 1, 3], [1, 0, 0]]
    assert doubt_of_composition(potential, frame) is None
