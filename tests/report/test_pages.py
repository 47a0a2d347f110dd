"""Pages of several processes."""

from aiida_seimlip.report.pages import new_chapters
from aiida_seimlip.report.sections import Section


def chapter(name):
    return [Section(f'{name}-title', name, is_chapter=True), Section(f'{name}-numbers', 'Numbers')]


def test_no_chapter_comes_twice():
    """A conductivity brings its diffusivity along, be it named before, after, or as the first of the page."""
    conductivity, diffusivity = chapter('conductivity'), chapter('diffusivity')
    both = [*conductivity, *diffusivity]
    assert new_chapters([*both, *diffusivity]) == both
    assert new_chapters([*diffusivity, *both]) == [*diffusivity, *conductivity]
    assert new_chapters(both, known=diffusivity[1:]) == conductivity
