"""Tests of how input scripts are divided into statements."""

from __future__ import annotations

from aiida_seimlip.embedded.lammps_script import statements

SCRIPT = '''\
# a comment
units metal   # behind a command

pair_style mlip load_from=a.almtp &
    extrapolation_control=true   # the end
print """
pair_style mtp &
"""
print "a # no comment" # one
'''


def test_statements():
    found = list(statements(SCRIPT))
    assert [(statement.command, statement.line) for statement in found] == [
        ('', 1), ('units', 2), ('', 3), ('pair_style', 4), ('print', 6), ('print', 9),
    ]  # fmt: skip
    assert '\n'.join(statement.text for statement in found) + '\n' == SCRIPT


def test_plain():
    plain = [statement.plain for statement in statements(SCRIPT)]
    assert plain[1] == 'units metal'
    assert plain[3].split() == ['pair_style', 'mlip', 'load_from=a.almtp', 'extrapolation_control=true']
    assert plain[5] == 'print "a # no comment"'


def test_unfinished_statement_is_kept():
    assert [statement.text for statement in statements('run 1 &')] == ['run 1 &']
