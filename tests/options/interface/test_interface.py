"""Options of interfaces."""

import numpy as np
import pytest
from pydantic import ValidationError

from aiida_seimlip.options.interface.interface import InterfaceOptions
from aiida_seimlip.science.structures.crystals import CRYSTALS

LITHIUM = {
    'film': 'Li-bcc', 'substrate': 'Li2CO3-monoclinic', 'film_miller': [[1, 1, 0], [1, 1, 1], [0, 0, 1]],
    'film_thickness': 8.0, 'substrate_thickness': 8.0,
}  # fmt: skip
CELLS = [CRYSTALS[LITHIUM[side]].conventional() for side in ('film', 'substrate')]


def test_phases_of_the_package_need_not_be_named_twice():
    options = InterfaceOptions.from_node(LITHIUM)
    assert options.crystals == ['Li-bcc', 'Li2CO3-monoclinic']
    assert InterfaceOptions.from_node(options.to_dict()) == options
    assert InterfaceOptions(film='mine', substrate='LiF').crystals == ['LiF']


def test_lithium_on_its_carbonate():
    interfaces, reasons = InterfaceOptions(**LITHIUM).plan(*CELLS)
    assert [interface.film.slab.miller for interface in interfaces] == [(1, 1, 0), (1, 1, 1), (0, 0, 1)]
    assert not reasons
    assert [(one.match.n_film, one.match.n_substrate) for one in interfaces] == [(7, 3), (1, 1), (5, 3)]
    _, reasons = InterfaceOptions(**LITHIUM, max_area=30.0).plan(*CELLS)
    assert len(reasons) == 2 and all('do not match within 30 Å²' in reason for reason in reasons)


def test_the_scan_leaves_out_what_is_too_near():
    options = InterfaceOptions(**{**LITHIUM, 'film_miller': [[1, 1, 1]], 'gaps': [0.2, 2.0], 'shift_spacing': 2.0})
    interfaces, _ = options.plan(*CELLS)
    points = list(options.scan(interfaces))
    n_shifts = len(interfaces[0].shifts(2.0))
    assert n_shifts < len(points) < 4 * n_shifts, 'two sides and two gaps, of which one is narrow'
    assert {point.side for point in points} == {'lower', 'upper'}
    for point in points:
        distances = point.atoms.get_all_distances(mic=True)[np.triu_indices(len(point.atoms), 1)]
        assert distances.min() > 0.9
    assert {point.side for point in options.model_copy(update={'has_vacuum': True}).scan(interfaces)} == {'lower'}


@pytest.mark.parametrize(
    ('wrong', 'message'),
    [
        ({'gaps': [2.0, 1.5]}, 'rise'),
        ({'film_miller': [[0, 0, 0]]}, 'no plane'),
        ({'crystals': ['LiF']}, 'neither'),
        ({'dynamics': {'n_steps': 10, 'sample_every': 3, 'seed': 0}}, 'multiple'),
    ],
)
def test_refused(wrong, message):
    with pytest.raises(ValidationError, match=message):
        InterfaceOptions(**{**LITHIUM, **wrong})
