"""Files of PyTorch, told apart without loading them."""

from __future__ import annotations

import io
import zipfile
from pathlib import PurePosixPath


def is_torchscript(content: bytes) -> bool:
    """Tell whether a file holds a TorchScript module, which loads without running the code of others.

    Both a TorchScript module and what ``torch.save`` pickles are zip archives with a ``data.pkl``; only the former has
    ``constants.pkl`` and a folder ``code`` at the same place.

    :param content: of the file.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            paths = [PurePosixPath(name) for name in archive.namelist()]
    except zipfile.BadZipFile:
        return False
    names = {path.parts[1] for path in paths if len(path.parts) > 1}
    return {'data.pkl', 'constants.pkl', 'code'} <= names
