"""Figures of interfaces."""

import re

import numpy as np

from aiida_seimlip.report.interface.interface_plots import DensityProfile, RegistryMap, density_profiles, registry_maps


def test_a_map_for_each_interface():
    shifts = [[0.0, 0.0], [1.0, 0.0], [0.5, 1.0]]
    maps = [RegistryMap(side, shifts, [0.9, 0.5, 0.1], [[2.0, 0.0], [1.0, 2.0]]) for side in ('lower', 'upper')]
    drawn = registry_maps(maps, 'salt')
    assert drawn.lstrip().startswith('<svg') and 'lower interface' in drawn and 'upper interface' in drawn
    assert drawn == registry_maps(maps, 'salt'), 'the same twice'


def test_a_row_for_each_element():
    heights = np.linspace(0.0, 20.0, 41)
    densities = {symbol: np.exp(-((heights - place) ** 2)) for symbol, place in (('Cu', 5.0), ('Ni', 15.0))}
    drawn = density_profiles(DensityProfile(heights, densities, densities), 'salt')
    assert all(re.search(rf'{symbol} \(1/Å³\)', drawn) for symbol in densities)
