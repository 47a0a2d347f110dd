"""What VASP prints when it stops or warns."""

from __future__ import annotations

import textwrap

RULE = ' ' + '-' * 77
ERROR = (
    'EEEEEEE  RRRRRR   RRRRRR   OOOOOOO  RRRRRR      ###     ###     ###',
    'E        R     R  R     R  O     O  R     R     ###     ###     ###',
    'E        R     R  R     R  O     O  R     R     ###     ###     ###',
    'EEEEE    RRRRRR   RRRRRR   O     O  RRRRRR       #       #       #',
    'E        R   R    R   R    O     O  R   R',
    'E        R    R   R    R   O     O  R    R      ###     ###     ###',
    'EEEEEEE  R     R  R     R  OOOOOOO  R     R     ###     ###     ###',
)
WARNING = (
    'W    W  AA    RRRRR   N    N  II  N    N   GGGG   !!!',
    'W    W A  A   R    R  NN   N  II  NN   N  G    G  !!!',
    'W    W A    A R    R  N N  N  II  N N  N  G       !!!',
    'W WW W AAAAAA RRRRR   N  N N  II  N  N N  G  GGG   !',
    'WW  WW A    A R   R   N   NN  II  N   NN  G    G',
    'W    W A    A R    R  N    N  II  N    N   GGGG   !!!',
)
BYE = '  ---->  I REFUSE TO CONTINUE WITH THIS SICK JOB ... BYE!!! <----'


class RefusalError(Exception):
    """The program stops, and this is what it prints.

    :param boxed: put the text into the frame that VASP 6 draws around its errors.
    """

    def __init__(self, text: str, *, boxed: bool = False) -> None:
        super().__init__(text)
        self.printed = box(text) if boxed else text + '\n'


def box(text: str, banner: tuple[str, ...] = ERROR) -> str:
    """Return a text in the frame of an error, which says good-bye, or of a warning."""
    lines = [*banner, '', *textwrap.wrap(text, 67), '']
    if banner is ERROR:
        lines += [BYE, '']
    body = [f'|     {line:<72}|' for line in lines]
    return '\n'.join([RULE, f'|{"":77}|', *body, RULE, '']) + '\n'
