"""Made-up migration barriers: a cosine, and a reference that is a little higher."""

from __future__ import annotations

import numpy as np
from aiida import orm
from ase import Atoms

from aiida_seimlip.data.frames import FramesData
from aiida_seimlip.functions.barrier.neb import describe_barrier
from aiida_seimlip.options.barrier.neb import NEBOptions
from aiida_seimlip.science.frames import Frames
from tests.report.nodes import store_workchain

LENGTH, N_IMAGES = 2.8, 7


def make_path(height, *, slope=0.08, grades=None):
    """Return images of a Li that moves along x over a cosine, with the energies and forces that belong to it.

    :param height: of the cosine in eV.
    :param slope: of the energy from end to end in eV.
    :param grades: of the images.
    """
    places = np.linspace(0, LENGTH, N_IMAGES)
    images = [Atoms('LiO', positions=[[2 + place, 5, 5], [5, 8, 5]], cell=[10, 10, 10], pbc=True) for place in places]
    energies = -10 + height * 0.5 * (1 - np.cos(2 * np.pi * places / LENGTH)) + slope * places / LENGTH
    forces = np.zeros((N_IMAGES, 2, 3))
    forces[:, 0, 0] = -height * np.pi / LENGTH * np.sin(2 * np.pi * places / LENGTH) - slope / LENGTH
    frames = Frames.from_atoms(images).replace(energies=energies, forces=forces.reshape(-1, 3))
    return frames if grades is None else frames.replace(grades=np.asarray(grades, dtype=float))


def store_barrier(*, height=0.31, reference=0.335, method='', status=0, message='', is_converged=True):
    """Store a `NEBWorkChain` whose outputs the calcfunction of the package has made."""
    path = FramesData(make_path(height, grades=np.linspace(1.0, 2.4, N_IMAGES))).store()
    labels = None if reference is None else FramesData(make_path(reference).computed_by(method, 'free')).store()
    beside = {} if labels is None else {'labelled': labels}
    results = orm.Dict({'is_converged': is_converged, 'is_climbing': True, 'n_steps': 57})
    found = describe_barrier(path, results, orm.Dict(NEBOptions().to_dict()), **beside)
    start = FramesData(path.get_frames()[0].without_labels().replace(grades=None))
    outputs = {'path': path, **beside, 'barrier': found['barrier'], 'profile': found['profile']}
    return store_workchain(
        'NEBWorkChain', 'seimlip.neb', {'initial': start}, outputs, status=status, message=message
    )  # fmt: skip
