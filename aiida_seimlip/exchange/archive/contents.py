"""What an archive of a campaign, and of others beside it, would hold: found before anything is written."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from aiida import orm
from aiida.common.links import LinkType
from aiida.common.utils import DEFAULT_FILTER_SIZE, batch_iter
from aiida.manage import get_manager
from aiida.repository import Repository
from aiida.tools.graph.graph_traversers import get_nodes_export

from aiida_seimlip.exchange.archive.rules import UPF_NODES, NodeFacts, find_licence, is_potcar, reason_to_leave_out

TRAVERSAL_RULES: dict[str, Any] = {'create_backward': True, 'call_calc_backward': False, 'call_work_backward': False}
"""What a campaign stands on: the inputs and creators of all its data and all processes that it called, but not the
workflows that called those creators, nor others that use the same data. The other rules are AiiDA's."""

CODE_TYPES = 'data.core.code.'
"""How the types of all codes begin."""

CHUNK = 1 << 20
"""Bytes of a file that are looked at at once."""


HEAD = 8192
"""In so many bytes at its beginning a pseudopotential states its licence, if it does."""


@dataclass(frozen=True)
class StoredFile:
    """A file in the repository of a node.

    :param node: primary key of the node.
    :param kind: class of the node.
    :param path: of the file in the node.
    :param key: under which the repository stores the content; equal contents have the same key.
    :param size: in bytes.
    :param left_out: why the file stays out of the archive; empty if it goes in.
    """

    node: int
    kind: str
    path: str
    key: str
    size: int
    left_out: str = ''


@dataclass
class Contents:
    """What an archive of a campaign, or of other workflows, would hold.

    :param roots: the workflows.
    :param nodes: number of data nodes by class.
    :param processes: number of processes by label.
    :param files: all files of all nodes, those that stay out included.
    :param unsealed: primary keys of processes that have not ended.
    :param codes: full labels of the codes.
    :param computers: labels and host names.
    :param users: e-mail addresses of the owners of the nodes.
    :param licences: that nodes carry in their attribute `source`, with the number of nodes.
    :param models: primary keys of nodes that hold a model that can run any code when it is loaded, and their files.
    :param potcars: primary keys of nodes that name a VASP potential without holding it.
    :param pseudos: primary keys of nodes that hold a pseudopotential in UPF, and the licences that their files state;
        empty where a file states none.
    :param n_comments: number of comments on the nodes.
    """

    roots: tuple[orm.WorkChainNode, ...]
    nodes: Counter[str] = field(default_factory=Counter)
    processes: Counter[str] = field(default_factory=Counter)
    files: list[StoredFile] = field(default_factory=list)
    unsealed: list[int] = field(default_factory=list)
    codes: list[str] = field(default_factory=list)
    computers: list[str] = field(default_factory=list)
    users: list[str] = field(default_factory=list)
    licences: Counter[str] = field(default_factory=Counter)
    models: dict[int, str] = field(default_factory=dict)
    potcars: list[int] = field(default_factory=list)
    pseudos: dict[int, str] = field(default_factory=dict)
    n_comments: int = 0

    @property
    def kept(self) -> list[StoredFile]:
        """The files that go in."""
        return [file for file in self.files if not file.left_out]

    @property
    def left_out(self) -> list[StoredFile]:
        """The files that stay out."""
        return [file for file in self.files if file.left_out]

    @property
    def n_bytes(self) -> int:
        """Size of the files that go in, before they are compressed; equal files count once."""
        return total_size(self.kept)

    def files_above(self, n_bytes: int) -> list[StoredFile]:
        """Return the files that go in and are larger than a limit, the largest first.

        :param n_bytes: the limit.
        """
        return sorted((file for file in self.kept if file.size > n_bytes), key=lambda file: -file.size)


def total_size(files: Iterable[StoredFile]) -> int:
    """Return how many bytes files take together, where equal ones are stored once."""
    return sum({file.key: file.size for file in files}.values())


def survey(*roots: orm.WorkChainNode, slim: bool = False) -> Contents:
    """Find what an archive of a campaign, and of others beside it, would hold, without writing anything.

    :param roots: any processes, with what they stand on.
    :param slim: leave out raw files: trajectories, and large files that jobs wrote (see `reason_to_leave_out`).
    """
    found = get_nodes_export([root.pk for root in roots if root.pk is not None], get_links=True, **TRAVERSAL_RULES)
    contents = Contents(roots)
    created = {
        link.target_id: link.link_label for link in found['links'] or () if LinkType(link.link_type) is LinkType.CREATE
    }
    pending: list[tuple[NodeFacts, dict[str, str]]] = []
    for row in _rows(found['nodes']):
        facts = NodeFacts(row['id'], _kind(row), created.get(row['id'], ''))
        _note(contents, facts, row)
        paths = {path: key for path, key in Repository.flatten(row['repository_metadata']).items() if key is not None}
        if paths:
            pending.append((facts, paths))
    looks = dict(_look_at({key for _, paths in pending for key in paths.values()}))
    for facts, paths in pending:
        for path, key in sorted(paths.items()):
            size, holds_potcar, licence = looks[key]
            if facts.kind in UPF_NODES:
                contents.pseudos[facts.pk] = licence
            reason = reason_to_leave_out(facts, path, size, holds_potcar=holds_potcar, slim=slim)
            contents.files.append(StoredFile(facts.pk, facts.kind, path, key, size, reason))
    _note_owners(contents, found['nodes'])
    return contents


# -- parts ------------------------------------------------------------------------------------------------------------


def _rows(pks: Iterable[int]) -> Iterator[dict[str, Any]]:
    """Yield what is to be known about each node, in order of primary keys."""
    projections = {
        'id': 'id', 'node_type': 'node_type', 'repository_metadata': 'repository_metadata',
        'attributes.sealed': 'sealed', 'attributes.process_label': 'process_label', 'attributes.source': 'source',
        'attributes.family': 'family', 'attributes.filename': 'filename',
    }  # fmt: skip
    for _, batch in batch_iter(sorted(pks), DEFAULT_FILTER_SIZE):
        query = orm.QueryBuilder().append(
            orm.Node, filters={'id': {'in': batch}}, project=list(projections), tag='node'
        )
        query.order_by({'node': 'id'})
        for values in query.iterall():
            yield dict(zip(projections.values(), values, strict=True))


def _kind(row: Mapping[str, Any]) -> str:
    """Return the class of a node, as its type string ends."""
    return str(row['node_type']).rstrip('.').rsplit('.', 1)[-1]


def _note(contents: Contents, facts: NodeFacts, row: Mapping[str, Any]) -> None:
    """Count a node, and remember what is to be said about it."""
    if str(row['node_type']).startswith('process.'):
        contents.processes[row['process_label'] or facts.kind] += 1
        if not row['sealed']:
            contents.unsealed.append(facts.pk)
        return
    contents.nodes[facts.kind] += 1
    licence = (row['source'] or {}).get('license') if isinstance(row['source'], Mapping) else None
    if licence:
        contents.licences[str(licence)] += 1
    if facts.kind == 'PotentialData' and row['family'] != 'mtp':
        pickles = orm.load_node(facts.pk).pickled_files
        if pickles:
            contents.models[facts.pk] = pickles[0]
    if facts.kind == 'PotcarData':
        contents.potcars.append(facts.pk)


def families_of(pseudos: Mapping[int, str]) -> Counter[tuple[str, str]]:
    """Count pseudopotentials by the families in this profile that hold them, and the licences that their files state.

    :param pseudos: licences by primary key, as `Contents` has them.
    """
    query = orm.QueryBuilder().append(orm.Group, filters={'type_string': {'like': 'pseudo.family%'}}, project='label',
                                      tag='family')  # fmt: skip
    query.append(orm.Node, filters={'id': {'in': list(pseudos) or [-1]}}, with_group='family', project='id')
    labels: dict[int, list[str]] = {}
    for label, pk in query.all():
        labels.setdefault(pk, []).append(label)
    return Counter((', '.join(sorted(labels.get(pk, []))), licence) for pk, licence in pseudos.items())


def _look_at(keys: set[str]) -> Iterator[tuple[str, tuple[int, bool, str]]]:
    """Yield the size of each object in the repository, whether it is a VASP potential, and which licence it states."""
    repository = get_manager().get_profile_storage().get_repository()
    for key, stream in repository.iter_object_streams(sorted(keys)):
        size, found, tail, licence = 0, False, b'', ''
        while chunk := stream.read(CHUNK):
            licence = licence or ('' if size else find_licence(chunk[:HEAD]))
            size += len(chunk)
            found = found or is_potcar(tail + chunk)
            tail = chunk[-100:]
        yield key, (size, found, licence)


def _note_owners(contents: Contents, pks: Iterable[int]) -> None:
    """Find the codes, computers, people and comments that come with the nodes."""
    codes: set[str] = set()
    computers: set[str] = set()
    users: set[str] = set()
    for _, batch in batch_iter(sorted(pks), DEFAULT_FILTER_SIZE):
        nodes: dict[str, Any] = {'filters': {'id': {'in': batch}}, 'tag': 'nodes'}
        of_codes = {**nodes['filters'], 'node_type': {'like': f'{CODE_TYPES}%'}}
        codes.update(code.full_label for code in orm.QueryBuilder().append(orm.Data, filters=of_codes).all(flat=True))
        query = orm.QueryBuilder().append(orm.Node, **nodes)
        for label, host in query.append(orm.Computer, with_node='nodes', project=['label', 'hostname']).all():
            computers.add(f'{label} ({host})')
        query = orm.QueryBuilder().append(orm.Node, **nodes)
        users.update(query.append(orm.User, with_node='nodes', project='email').all(flat=True))
        query = orm.QueryBuilder().append(orm.Node, **nodes)
        contents.n_comments += query.append(orm.Comment, with_node='nodes', project='id').count()
    contents.codes, contents.computers, contents.users = sorted(codes), sorted(computers), sorted(users)
