"""What goes into an archive, and what stays out of it."""

import io

import pytest
from aiida import orm
from aiida.common.links import LinkType
from aiida.tools.archive.implementations.sqlite_zip.main import ArchiveFormatSqlZip

from aiida_seimlip.data.frames import LEFT_OUT_EXTRA, FramesData
from aiida_seimlip.data.potential import PotentialData
from aiida_seimlip.exchange.archive.contents import survey
from aiida_seimlip.exchange.archive.rules import RAW_REASON, TRAJECTORY_REASON, NodeFacts, reason_to_leave_out
from aiida_seimlip.exchange.archive.writer import ArchiveRefusedError, write_archive

from .conftest import work


def read(path, function):
    """Return what a function finds in an archive, which it is given as a query builder."""
    with ArchiveFormatSqlZip().open(path, 'r') as reader:
        return function(reader)


def labels_in(path):
    """Return the labels of the processes in an archive."""
    return read(
        path,
        lambda reader: set(
            reader.querybuilder().append(orm.ProcessNode, project='attributes.process_label').all(flat=True)
        ),
    )


def test_what_a_campaign_stands_on_and_nothing_else(two_campaigns, tmp_path):
    """The job that labelled what the second campaign begins with goes in, but not the campaign that called that job."""
    first, second = two_campaigns()
    contents = survey(second)
    assert contents.processes == {'FirstJob': 1, 'SecondJob': 1, 'Second': 1}
    assert contents.nodes == {'FramesData': 2, 'FolderData': 1}
    assert labels_in(write_archive(contents, tmp_path / 'second.aiida')) == {'FirstJob', 'SecondJob', 'Second'}
    assert labels_in(write_archive(survey(first), tmp_path / 'first.aiida')) == {'FirstJob', 'First'}


def test_sizes_computers_and_people(two_campaigns, aiida_localhost):
    _, second = two_campaigns()
    contents = survey(second)
    assert contents.n_bytes == sum({file.key: file.size for file in contents.files}.values()) > 100_000
    assert contents.computers == [f'{aiida_localhost.label} ({aiida_localhost.hostname})']
    assert contents.users == [orm.User.collection.get_default().email]
    assert [file.path for file in contents.files_above(40_000) if file.kind == 'FolderData'] == [
        '_scheduler.out', 'long.txt',
    ]  # fmt: skip


def test_codes(two_campaigns, code):
    installed = code('seimlip.ase')
    _, second = two_campaigns(code=installed)
    assert survey(second).codes == [installed.full_label]


def test_licences(two_campaigns, frames_li2co3):
    given = orm.Dict({})
    given.source = {'license': 'CC-BY-4.0', 'uri': 'https://example.org'}
    _, second = two_campaigns(given=given)
    assert survey(second).licences == {'CC-BY-4.0': 1}


def test_comments_are_counted(two_campaigns):
    _, second = two_campaigns()
    second.base.comments.add('not for everybody')
    assert survey(second).n_comments == 1


def test_process_that_has_not_ended_is_refused(tmp_path):
    node = work('Running', {'start': orm.Int(1).store()}, sealed=False)
    contents = survey(node)
    assert contents.unsealed == [node.pk]
    with pytest.raises(ArchiveRefusedError, match=f'have not ended cannot go into an archive: {node.pk}'):
        write_archive(contents, tmp_path / 'x.aiida')
    assert not list(tmp_path.iterdir())


def test_file_that_is_there_is_not_replaced(two_campaigns, tmp_path):
    _, second = two_campaigns()
    path = tmp_path / 'x.aiida'
    path.write_text('precious')
    with pytest.raises(ArchiveRefusedError, match='is there already'):
        write_archive(survey(second), path)
    assert path.read_text() == 'precious'
    write_archive(survey(second), path, overwrite=True)
    assert labels_in(path)


def test_models_are_named(two_campaigns):
    model = PotentialData(io.BytesIO(b'anything'), 'a.model', family='mace', species=['Li'], cutoff=5.0)
    _, second = two_campaigns(model=model)
    assert survey(second).models == {model.pk: 'a.model'}


@pytest.mark.parametrize(
    ('facts', 'path', 'size', 'reason'),
    [
        (NodeFacts(1, 'FramesData', 'trajectory'), 'frames.npz', 10, TRAJECTORY_REASON),
        (NodeFacts(1, 'FramesData', 'candidates'), 'frames.npz', 10**7, ''),
        (NodeFacts(1, 'FolderData', 'retrieved'), 'OUTCAR', 10**6, RAW_REASON),
        (NodeFacts(1, 'FolderData', 'retrieved'), 'stdout.txt', 10**3, ''),
        (NodeFacts(1, 'FolderData', 'retrieved'), '_scheduler-stdout.txt', 10**6, ''),
        (NodeFacts(1, 'FolderData', 'something'), 'x', 10**6, ''),
        (NodeFacts(1, 'CalcJobNode'), 'in.data', 10**6, RAW_REASON),
    ],
)
def test_rules_of_a_slim_archive(facts, path, size, reason):
    assert reason_to_leave_out(facts, path, size, holds_potcar=False, slim=True) == reason
    assert reason_to_leave_out(facts, path, size, holds_potcar=False, slim=False) == ''


def test_slim_archive(two_campaigns, tmp_path):
    """Files are left out; their nodes stay, and say what is missing; what is read again says so, too."""
    _, second = two_campaigns()
    full, slim = survey(second), survey(second, slim=True)
    assert [file.path for file in slim.left_out] == ['long.txt']
    assert slim.nodes == full.nodes
    path = write_archive(slim, tmp_path / 'slim.aiida')

    def look(reader):
        query = reader.querybuilder().append(orm.FolderData, project='*')
        node = query.first(flat=True)
        return node.base.repository.list_object_names(), node.base.extras.get(LEFT_OUT_EXTRA)

    names, reasons = read(path, look)
    assert sorted(names) == ['_scheduler.out', 'short.txt']
    assert reasons == {'long.txt': RAW_REASON}
    assert second.base.links.get_outgoing(
        link_type=LinkType.CALL_CALC
    ).one().node.outputs.retrieved.base.repository.list_object_names() == ['_scheduler.out', 'long.txt', 'short.txt']


def test_frames_that_were_left_out_say_so(frames_li2co3):
    node = frames_li2co3.store()
    assert not node.is_left_out
    empty = FramesData()
    empty.base.extras.set(LEFT_OUT_EXTRA, {'frames.npz': TRAJECTORY_REASON})
    assert empty.is_left_out
    with pytest.raises(FileNotFoundError, match='were left out of the archive'):
        empty.get_frames()
