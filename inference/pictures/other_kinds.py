"""The first bytes of a file that is no image in a supported format -> what it is, for the message."""

_HEIC = (b"heic", b"heix", b"hevc", b"hevx", b"heim", b"heis", b"mif1", b"msf1")
_AVIF = (b"avif", b"avis")
_KINDS = {
    b"\xff\x0a": "It is JPEG XL.",
    b"\0\0\0\x0cJXL ": "It is JPEG XL.",
    b"%PDF": "It is PDF.",
    b"8BPS": "It is a file of Photoshop.",
    b"<svg": "It is SVG, which has no pixels.",
    b"\x1aE\xdf\xa3": "It is a video.",
    b"PK\3\4": "It is a zip.",
    b"version https://git-lfs": "It is a pointer of Git LFS: git lfs pull fetches the file.",
    b"<!DOCTYPE": "It is a web page, perhaps of a download that needs a login.",
    b"<html": "It is a web page, perhaps of a download that needs a login.",
}


def describe_other_kind(data: bytes) -> str:
    """Return a sentence about a file by its content, "" where that is not known."""
    if not data:
        return "It is empty."
    if data[4:8] == b"ftyp":
        if data[8:12] in _HEIC:
            return (
                "It is HEIC, whatever its name. Preview on a Mac and Photos on Windows save it as JPEG; iPhones take "
                "JPEG with Settings, Camera, Formats, Most Compatible."
            )
        return "It is AVIF." if data[8:12] in _AVIF else "It is a video."
    return next((told for start, told in _KINDS.items() if data.startswith(start)), "")
