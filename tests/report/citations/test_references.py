"""The table of papers."""

import re

import pytest

from aiida_seimlip.report.citations import rules
from aiida_seimlip.report.citations.references import REFERENCES, Reference

PAPER = Reference(
    'Doe1999', ('Doe, J. R.', 'Roe, R.', 'Poe, E.', 'Loe, L.'), 'On {Li} & others', 'Journal', 1999, '7', '1–9',
    '10.1/x',
)  # fmt: skip


def test_dois_are_dois_and_no_two_papers_share_one():
    dois = [reference.doi.lower() for reference in REFERENCES.values()]
    assert len(set(dois)) == len(dois)
    assert all(re.fullmatch(r'10\.\d{4,5}/\S+', doi) for doi in dois)


def test_text():
    assert PAPER.to_text() == 'J. R. Doe et al., On {Li} & others, Journal 7, 1–9 (1999). https://doi.org/10.1/x'
    assert REFERENCES['Shapeev2016MTP'].to_text().startswith('A. V. Shapeev, Moment Tensor Potentials')
    assert REFERENCES['Larsen2017ASE'].to_text().startswith('A. Hjorth Larsen et al., ')


@pytest.mark.parametrize('key', sorted(REFERENCES))
def test_bibtex_is_well_formed(key):
    """Braces are balanced, and nothing that LaTeX takes for a command is left as it is."""
    entry = REFERENCES[key].to_bibtex()
    assert entry.startswith(f'@article{{{key},\n') and entry.endswith('\n}')
    assert entry.count('{') == entry.count('}')
    assert not re.search(r'(?<!\\)[&%#_$]', entry.partition('  doi = ')[0])


def test_every_rule_names_papers_that_there_are():
    tables = [rules.MOMENT_TENSORS, rules.SELECTION, rules.DEFECTS, rules.SURFACES, rules.INTERFACES, rules.ORDER]
    tables += [*rules.XTB.values(), *rules.DAMPED.values()]
    tables += [*rules.PACKERS.values(), *(keys for _, _, keys in rules.CALCULATORS.values())]
    assert {key for keys in tables for key in keys} <= set(REFERENCES)
