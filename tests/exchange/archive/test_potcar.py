"""VASP potentials never go into an archive, wherever they are."""

import io
import tarfile
import zipfile

import pytest
from aiida import orm
from aiida.plugins import DataFactory

from aiida_seimlip.exchange.archive.contents import survey
from aiida_seimlip.exchange.archive.rules import POTCAR_REASON
from aiida_seimlip.exchange.archive.writer import write_archive
from tests.stand_ins.potcars import potcar

from .conftest import folder

SECRET = 'made up for tests, no potential'
"""What the potentials hold, besides what any output of VASP repeats."""


@pytest.fixture
def potentials(potcar_family):
    """Return the node that names the potential of lithium, and the one that holds it."""
    named = DataFactory('vasp.potcar').get_potcars_dict(['Li'], potcar_family)['Li']
    return named, named.find_file_node()


def everything_in(path):
    """Yield each file of an archive, and each file in those of them that are packed."""
    with zipfile.ZipFile(path) as archive:
        for name in archive.namelist():
            content = archive.read(name)
            yield content
            if tarfile.is_tarfile(io.BytesIO(content)):
                with tarfile.open(fileobj=io.BytesIO(content)) as packed:
                    yield from (packed.extractfile(member).read() for member in packed if member.isfile())


def assert_no_potential(path):
    assert not [content for content in everything_in(path) if SECRET.encode() in content]


def test_potential_that_is_named_is_not_held(two_campaigns, potentials, tmp_path):
    """Jobs of aiida-vasp have a node as their input that names the potential by a hash, with no link to its content."""
    named, held = potentials
    assert SECRET.encode() in held.get_content()
    _, second = two_campaigns(potential__Li=named)
    contents = survey(second)
    assert contents.potcars == [named.pk]
    assert 'PotcarFileData' not in contents.nodes
    assert_no_potential(write_archive(contents, tmp_path / 'x.aiida'))


@pytest.mark.parametrize('slim', [False, True])
def test_potential_in_a_file_stays_out(two_campaigns, potentials, tmp_path, slim):
    """As a node that holds it, as a file of that name, and as a file under another name."""
    named, held = potentials
    retrieved = folder(POTCAR=b'of any content', notes__txt=potcar('Li').encode(), other__txt=b'fine')
    _, second = two_campaigns(named=named, held=held, retrieved=retrieved)
    contents = survey(second, slim=slim)
    reasons = {(file.kind, file.path) for file in contents.left_out if file.left_out == POTCAR_REASON}
    assert reasons == {
        ('PotcarFileData', 'archive.tar.gz'), ('FolderData', 'POTCAR'), ('FolderData', 'notes.txt'),
    }  # fmt: skip
    path = write_archive(contents, tmp_path / 'x.aiida')
    assert_no_potential(path)
    assert any(content == b'fine' for content in everything_in(path))
    assert not any(content == b'of any content' for content in everything_in(path))


def test_the_test_would_find_a_potential(two_campaigns, potentials, tmp_path):
    """AiiDA's own export of the same nodes holds it."""
    from aiida.tools.archive import create_archive

    _, second = two_campaigns(held=potentials[1])
    create_archive([second], tmp_path / 'x.aiida')
    with pytest.raises(AssertionError):
        assert_no_potential(tmp_path / 'x.aiida')


def test_nothing_is_taken_along_by_a_group(two_campaigns, potentials, tmp_path):
    """The family is a group; groups of nodes do not go in."""
    _, second = two_campaigns(named=potentials[0])
    path = write_archive(survey(second), tmp_path / 'x.aiida')
    from aiida.tools.archive.implementations.sqlite_zip.main import ArchiveFormatSqlZip

    with ArchiveFormatSqlZip().open(path, 'r') as reader:
        assert reader.querybuilder().append(orm.Group).count() == 0
