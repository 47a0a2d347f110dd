"""Files that look like those of torch from outside; nobody can load them."""

import io
import zipfile


def torchscript(number: int = 0) -> bytes:
    """Return what is taken for a module in TorchScript.

    :param number: another one makes another file.
    """
    return _archive(['model/data.pkl', 'model/constants.pkl', 'model/code/forward.py'], number)


def pickled(number: int = 0) -> io.BytesIO:
    """Return what is taken for a module that ``torch.save`` has pickled."""
    return io.BytesIO(_archive(['model/data.pkl'], number))


def _archive(names: list[str], number: int) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, 'w') as archive:
        for name in names:
            archive.writestr(zipfile.ZipInfo(name), f'{number}')
    return buffer.getvalue()
