"""The command that names what to cite."""

from aiida import orm

from tests.cli.conftest import store_job


def test_text_and_bibtex(story, run_command, tmp_path):
    output = run_command('cite', story.training.pk).output
    assert 'Moment Tensor Potentials: A Class of Systematically Improvable' in output
    path = tmp_path / 'papers.bib'
    assert run_command('cite', story.training.pk, '--bibtex', '-o', path).output == f'Success: Wrote {path}.\n'
    assert '@article{Shapeev2016MTP,' in path.read_text()
    assert 'already' in run_command('cite', story.training.pk, '--bibtex', '-o', path, fails=True).output
    run_command('cite', story.training.pk, '-o', path, '--force')
    assert 'A. V. Shapeev, ' in path.read_text()


def test_names_of_somebody_else_do_not_reach_the_terminal(aiida_localhost, run_command):
    inputs = {'parameters': orm.Dict({'calculator': {'name': 'x\x1b[31m:Y'}}).store()}
    job = store_job(aiida_localhost, 'seimlip.ase', 'AseCalculation', inputs, {})
    assert '\x1b' not in run_command('cite', job.pk).output
