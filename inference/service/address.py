"""Where a server listens -> the address that a person opens, and its QR code for a phone on the same network."""

import io
import socket

import segno

ANY = ("0.0.0.0", "::")
_SOMEWHERE = (
    "192.0.2.1",
    9,
)  # an address for documentation (RFC 5737): nothing is sent, the system picks the way there


def phone_hint(host: str, port: int, secure: bool) -> str:
    """Return how to open the page on a phone: the address, and its QR code.

    host: where the server listens; 0.0.0.0 is all of this machine's addresses, and no place to go.
    """
    name = network_name() if host in ANY else host
    address = f"http{'s' if secure else ''}://{f'[{name}]' if ':' in name else name}:{port}/"
    return f"on a phone in the same network: {address}\n{qr_code(address)}"


def network_name() -> str:
    """Return this machine's address in its network, 127.0.0.1 where it is in none."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(_SOMEWHERE)
            return str(probe.getsockname()[0])
        except OSError:
            return "127.0.0.1"


def qr_code(address: str) -> str:
    """Return a text's QR code in half blocks, for a terminal."""
    drawing = io.StringIO()
    segno.make(address, error="m", micro=False).terminal(drawing, compact=True)
    return drawing.getvalue()
