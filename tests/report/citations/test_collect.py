"""What is cited for processes in the graph."""

import numpy as np
import pytest
from aiida import orm

from aiida_seimlip.data.frames import FramesData
from aiida_seimlip.functions.starts.packing import pack_recipe
from aiida_seimlip.options.starts.recipe import RecipeOptions
from aiida_seimlip.report.citations.collect import citations_of, citations_section, to_bibtex, to_text
from aiida_seimlip.report.citations.rules import RULES, uses_of
from aiida_seimlip.report.pages import page_of
from aiida_seimlip.report.sections import render_page
from aiida_seimlip.science.frames import Frames
from aiida_seimlip.science.structures.packing.packmol import find_packmol
from tests.cli.conftest import store_job, story  # noqa: F401
from tests.report.nodes import store_workchain

BASIC = {'Li2025SEI', 'Huber2020AiiDA', 'Uhrin2021AiiDA'}
"""Cited for every process."""

needs_packmol = pytest.mark.skipif(find_packmol() is None, reason='packmol (extra `starts`) is not installed')


@pytest.fixture
def diffusivity(story):  # noqa: F811
    """Return a WorkChain that was given the potential of the story, and called nothing."""
    return store_workchain('DiffusivityWorkChain', 'seimlip.diffusivity', {'potential': story.potential}, {})


def keys_of(node):
    return {reference.key for citation in citations_of(node) for reference in citation.references}


def test_what_the_inputs_stand_on_is_cited(diffusivity):
    """The potential learned from labels by GFN1-xTB on frames that LAMMPS found."""
    assert keys_of(diffusivity) == {
        'Li2025SEI', 'Huber2020AiiDA', 'Uhrin2021AiiDA', 'Thompson2022LAMMPS', 'Larsen2017ASE', 'Grimme2017GFN1',
        'Shapeev2016MTP',
    }  # fmt: skip


def test_what_stands_on_other_inputs_is_not(story):  # noqa: F811
    other = store_workchain('DiffusivityWorkChain', 'seimlip.diffusivity', {'potential': story.other_potential}, {})
    assert 'Grimme2017GFN1' not in keys_of(other)


def test_versions_are_those_of_the_jobs(aiida_localhost):
    jobs = [
        store_job(
            aiida_localhost, 'seimlip.ase', 'AseCalculation',
            {'parameters': orm.Dict({'calculator': {'name': 'tblite', 'kwargs': {'method': 'GFN2-xTB'}}}).store()},
            {'results': orm.Dict({'versions': {'ase': '3.29.0', 'tblite': version}})},
        )
        for version in ('0.4.0', '0.8.0')
    ]  # fmt: skip
    text = to_text(citations_of(*jobs))
    assert 'tblite 0.4.0, 0.8.0: energies' in text
    assert 'ASE 3.29.0: ' in text
    assert '10.1021/acs.jctc.8b01176' in text and '10.1021/acs.jctc.7b00118' not in text


@pytest.mark.parametrize(
    ('calculator', 'programs'),
    [
        ({'name': 'lj'}, {'ASE'}),
        ({'name': 'their.package:Theirs'}, {'ASE', 'their.package:Theirs'}),
        ({'name': 'gpaw', 'kwargs': {'xc': 'PBE'}, 'dispersion': {'damping': 'd3bj'}}, {'ASE', 'GPAW', 'dftd3'}),
    ],
)
def test_calculators(aiida_localhost, calculator, programs):
    """A calculator without a known paper is named all the same."""
    inputs = {'parameters': orm.Dict({'calculator': calculator}).store()}
    job = store_job(aiida_localhost, 'seimlip.ase', 'AseCalculation', inputs, {})
    found = {citation.program: citation for citation in citations_of(job)}
    assert set(found) == programs | {'aiida-seimlip', 'aiida-core'}
    if 'GPAW' in programs:
        assert {reference.key for reference in found['GPAW'].references} == {'Mortensen2024GPAW', 'Perdew1996PBE'}
        assert {reference.key for reference in found['dftd3'].references} == {'Grimme2010D3', 'Grimme2011BJ'}
    if 'their.package:Theirs' in programs:
        assert 'No paper is known here' in to_text([found['their.package:Theirs']])


@pytest.mark.parametrize(
    ('incar', 'papers'),
    [
        ({'gga': 'PE', 'ivdw': 12}, {'Perdew1996PBE', 'Grimme2010D3', 'Grimme2011BJ'}),
        ({'GGA': 'PE', 'IVDW': 11}, {'Perdew1996PBE', 'Grimme2010D3'}),
        ({'gga': 'PS'}, set()),
    ],
)
def test_vasp(aiida_localhost, incar, papers):
    inputs = {'parameters': orm.Dict({'incar': incar}).store()}
    job = store_job(aiida_localhost, 'vasp.vasp', 'VaspCalculation', inputs, {'misc': orm.Dict({'version': '6.4.2'})})
    found = {citation.program: citation for citation in citations_of(job)}['VASP']
    assert found.title == 'VASP 6.4.2'
    assert {reference.key for reference in found.references} == {'Kresse1996VASP', 'Kresse1999PAW', *papers}


def test_labels_from_outside_are_cited_by_their_method(li2co3):
    """A training set that was taken in has no job that tells who computed it, but it says so itself."""
    labelled = Frames.from_atoms([li2co3]).replace(
        energies=np.array([-240.0]), forces=np.zeros((24, 3)), methods=np.array(['PBE+D3(BJ)'])
    )
    inputs = {'initial_training__mine': FramesData(labelled)}
    node = store_workchain('ActiveLearningWorkChain', 'seimlip.active_learning', inputs, {})
    found = {citation.program: citation for citation in citations_of(node)}['labels by PBE+D3(BJ)']
    assert {reference.key for reference in found.references} == {'Perdew1996PBE', 'Grimme2010D3', 'Grimme2011BJ'}


@pytest.mark.parametrize(
    ('method', 'paper'),
    [
        ('random', None),
        pytest.param('packmol', 'Martinez2009Packmol', marks=needs_packmol),
    ],
)
def test_packing(method, paper):
    """What packed, and what the geometries that come with the package were made with."""
    recipe = RecipeOptions.model_validate({
        'compositions': {'a': {'Li2CO3': 1, 'Li': 1}}, 'packing': {'method': method, 'volume_factor': 2.0},
    })  # fmt: skip
    _, node = pack_recipe.run_get_node(orm.Dict(recipe.to_dict()))
    assert {key for use in uses_of(node) for key in use.keys} - BASIC == {'Bannwarth2019GFN2', *filter(None, [paper])}


def test_each_paper_comes_once_in_bibtex(diffusivity):
    text = to_bibtex(citations_of(diffusivity, diffusivity))
    assert text.count('@article{Shapeev2016MTP,') == text.count('@article{') / 7 == 1


def test_process_that_did_nothing(aiida_localhost):
    node = store_workchain('NEBWorkChain', 'seimlip.neb', {}, {})
    assert [use.program for use in uses_of(node)] == ['aiida-seimlip', 'aiida-core']


def test_every_job_of_the_package_has_a_rule():
    from aiida.plugins.entry_point import get_entry_point_names

    jobs = {name for name in get_entry_point_names('aiida.calculations') if name.startswith('seimlip.')}
    functions = {name for name in jobs if name.endswith('.probe')}  # asks a program for its version only
    assert jobs - functions <= set(RULES)


def test_report_says_what_to_cite(diffusivity):
    section = citations_section([diffusivity])
    assert any('LAMMPS' in point and '10.1016/j.cpc.2021.108171' in point for point in section.points)
    assert section.lead in render_page(page_of([diffusivity]))


def test_training_of_mace_is_cited(aiida_localhost):
    results = orm.Dict({'versions': {'mace-torch': '0.3.16'}})
    job = store_job(aiida_localhost, 'seimlip.mace.train', 'MaceTrainCalculation', {}, {'results': results})
    text = to_text(citations_of(job))
    assert 'MACE 0.3.16: training of MACE' in text
    assert '10.48550/arXiv.2206.07697' in text
