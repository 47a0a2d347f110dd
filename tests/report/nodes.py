"""WorkChains that have ended, stored by hand with made-up outputs."""

from __future__ import annotations

import math
import re
from html.parser import HTMLParser

from aiida import orm
from aiida.common.links import LinkType

NUMBER = re.compile(r'(?P<value>−?[\d.]+)(?:\((?P<error>[\d.]+)\))?(?: × 10(?P<power>[⁻⁰¹²³⁴⁵⁶⁷⁸⁹]+))?')
LOWERED = str.maketrans('⁰¹²³⁴⁵⁶⁷⁸⁹⁻', '0123456789-')


def store_workchain(label, entry_point, inputs, outputs, *, status=0, message='', caller=None):
    """Store a WorkChain with its inputs and outputs.

    :param label: name of the class.
    :param entry_point: of the workflow.
    :param inputs: by link label.
    :param outputs: by link label.
    :param status: its exit code.
    :param message: its exit message.
    :param caller: WorkChain that called it.
    """
    node = orm.WorkChainNode(process_type=f'aiida.workflows:{entry_point}')
    node.base.attributes.set('process_label', label)
    for name, value in inputs.items():
        node.base.links.add_incoming(value.store(), LinkType.INPUT_WORK, name)
    if caller is not None:
        node.base.links.add_incoming(caller, LinkType.CALL_WORK, 'run')
    node.set_process_state('finished')
    node.set_exit_status(status)
    node.set_exit_message(message)
    node.store()
    for name, value in outputs.items():
        value.store().base.links.add_incoming(node, LinkType.RETURN, name)
    return node


class _Table(HTMLParser):
    """Gather the cells of the body of one table."""

    def __init__(self, name):
        super().__init__()
        self.name, self.rows, self.inside, self.cell = name, [], False, None

    def handle_starttag(self, tag, attrs):
        if tag == 'table':
            self.inside = dict(attrs).get('data-name') == self.name
        elif self.inside and tag == 'tr':
            self.rows.append([])
        elif self.inside and tag == 'td':
            self.cell = ''

    def handle_data(self, data):
        if self.cell is not None:
            self.cell += data

    def handle_endtag(self, tag):
        if tag == 'td' and self.cell is not None:
            self.rows[-1].append(self.cell.strip())
            self.cell = None


def cells_of(page, name):
    """Return the rows of a table of a page as lists of texts.

    :param page: HTML.
    :param name: of the table.
    """
    parser = _Table(name)
    parser.feed(page)
    return [row for row in parser.rows if row]


def numbers_in(text):
    """Return value and uncertainty of a number of a page, such as ``1.23(5) × 10⁻¹⁰``; no uncertainty is NaN."""
    found = NUMBER.fullmatch(text)
    assert found, text
    power = 10.0 ** int((found['power'] or '0').translate(LOWERED))
    value = float(found['value'].replace('−', '-'))
    error = found['error']
    if error is None:
        return value * power, math.nan
    decimals = len(found['value'].partition('.')[2])
    return value * power, (float(error) if '.' in error else int(error) * 10.0**-decimals) * power
