"""Root certificates: one for the HTTP clients of tests, the machine's for installers."""

import os
from collections.abc import Mapping
from pathlib import Path

import certifi

VARIABLE = "SSL_CERT_FILE"
_FILE_OF_THE_MACHINE = os.environ.get(VARIABLE)


def use_one_root_certificate(file: Path) -> None:
    """Let HTTP clients read one certificate, not 140: no test uses TLS, and each client reads them.

    A crew's model has four clients, and each would take 20 ms for it.
    """
    text = Path(certifi.where()).read_text()
    file.write_text(text[text.index("-----BEGIN") :].partition("\n\n")[0] + "\n")
    os.environ[VARIABLE] = str(file)


def installer_environment() -> Mapping[str, str]:
    """The environment for a program that downloads packages."""
    others = {name: value for name, value in os.environ.items() if name != VARIABLE}
    return others | ({VARIABLE: _FILE_OF_THE_MACHINE} if _FILE_OF_THE_MACHINE else {})
