"""inference.pictures.listing: which pictures an argument means, under which keys, and how their bytes are read."""

import codecs
import io
import os
import zipfile
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from inference.errors import InputError
from inference.pictures.limits import Limits
from inference.pictures.listing import Listing, Picture, list_pictures
from inference.pictures.own_files import OwnFiles


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a folder of two pictures of one name, and one more."""
    for name in ("a.png", "b.png", "deep/a.png"):
        draw(tmp_path / "set" / name)
    return tmp_path / "set"


def draw(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", (4, 3)).save(path, "PNG")
    return path


def pack(path: Path, folder: Path, method: int = zipfile.ZIP_STORED) -> Path:
    with zipfile.ZipFile(path, "w", method) as archive:
        for file in sorted(folder.rglob("*")):
            archive.write(file, file.relative_to(folder))
    return path


def keys(*arguments: Path | str) -> list[str]:
    return [picture.key for picture in list_pictures(arguments)]


def test_keys_that_collide_get_their_argument_in_front(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Catches a picture lost because another folder holds one of the same name."""
    for name in ("one/a.png", "two/a.png", "two/b.png"):
        draw(tmp_path / name)
    monkeypatch.chdir(tmp_path)

    assert keys("one", "two/b.png") == ["a.png", "b.png"]
    assert keys("one", "two/") == ["one/a.png", "two/a.png", "two/b.png"]
    assert keys("one/a.png", "two/a.png") == ["one/a.png", "two/a.png"]
    assert keys("two", "./two") == ["two/a.png", "two/b.png"]
    assert keys(".", "one") == ["one/a.png", "two/a.png", "two/b.png"]


def test_hidden_files_and_folders_are_left_out(folder: Path) -> None:
    """Catches thumbnails, .DS_Store and version control taken for pictures."""
    added = ("Thumbs.db", "deep/desktop.ini", "deep/.DS_Store", "._a.png", "deep/__MACOSX/a.png")
    for name in (".hidden.png", ".git/a.png", "deep/.cache/a.png", *added):
        draw(folder / name)
    assert keys(folder) == ["a.png", "b.png", "deep/a.png"]
    assert keys(folder / "**" / "*") == ["a.png", "b.png", "deep/a.png"]
    archive = pack(folder.parent / "set.zip", folder)
    with zipfile.ZipFile(archive, "a") as more:
        more.writestr("__MACOSX/a.png", b"")
    assert keys(archive) == ["a.png", "b.png", "deep/a.png"]


def test_backslashes_in_an_archive_are_slashes(tmp_path: Path) -> None:
    r"""Catches deep\a.png, as some programs on Windows write it, as a key, and an answer lost to another's key."""
    contents = {"deep\\": b"", "deep\\a.png": b"one", "deep/b.png": b"two", "c\\d.png": b"three", "c/d.png": b"four"}
    with zipfile.ZipFile(tmp_path / "set.zip", "w") as archive:
        for name, content in contents.items():
            entry = zipfile.ZipInfo("placeholder")
            entry.filename = name
            archive.writestr(entry, content)
    found = {picture.key: picture for picture in Listing([tmp_path / "set.zip"])}
    assert list(found) == ["deep/a.png", "deep/b.png", "c/d.png"]
    assert [found[key].read() for key in ("deep/a.png", "deep/b.png")] == [b"one", b"two"]
    with pytest.raises(InputError, match="more than once"):
        found["c/d.png"].read()


def test_a_pipe_among_the_pictures_is_left_out(folder: Path) -> None:
    """Catches a runner that waits for ever for the pipe's other end."""
    os.mkfifo(folder / "pipe.png")
    assert keys(folder) == ["a.png", "b.png", "deep/a.png"]


def test_brackets_in_a_folders_name_are_no_pattern(tmp_path: Path) -> None:
    """Fault: photos [2024]/*.jpg matches no file, since [2024] stands for one digit."""
    draw(tmp_path / "photos [2024]" / "a [x].png")
    draw(tmp_path / "photos 2" / "b.png")
    assert keys(tmp_path / "photos [2024]" / "*.png") == ["a [x].png"]
    assert keys(tmp_path / "photos [2024]") == ["a [x].png"]
    assert keys(tmp_path / "photos [2]" / "*.png") == ["photos 2/b.png"], "no folder of that name: a pattern"
    with pytest.raises(InputError, match=r"photos \[2024\]/typo\.png: does not exist"):
        keys(tmp_path / "photos [2024]" / "typo.png")


def test_a_pattern_means_what_the_shell_would_give(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Catches patterns that Windows' shell leaves to the program, and keys that collide without their folders."""
    assert keys(folder / "**" / "a.png") == ["a.png", "deep/a.png"]
    assert keys(folder / "d*") == ["deep/a.png"]
    assert keys(f"{folder}/[ab].png") == ["a.png", "b.png"]
    monkeypatch.chdir(folder)
    assert keys("*.png") == ["a.png", "b.png"]
    draw(folder / "[odd].png")
    assert keys("[odd].png") == ["[odd].png"]
    with pytest.raises(InputError, match=r"\*\.tiff: matches no file"):
        list_pictures(["*.tiff"])
    with pytest.raises(InputError, match=r"\*\*\.png: \*\* must stand between slashes"):
        list_pictures(["**.png"])


@pytest.mark.parametrize("end", [b"\n", b"\r\n", b"\0"])
def test_a_list_on_standard_input_is_read_once(folder: Path, end: bytes) -> None:
    """Catches paths with a line end still on them, paths given twice, and spaces taken for ends."""
    names = [os.fsencode(folder / "a.png"), b"missing one.png", os.fsencode(folder / "deep" / "a.png")]
    listing = Listing(["-"], io.BytesIO(end.join([*names, names[0]]) + end))
    found = [f"{folder}/a.png", "missing one.png", f"{folder}/deep/a.png"]
    assert [picture.key for picture in listing] == found
    assert [picture.key for picture in listing] == found
    assert len(listing) == 3
    with pytest.raises(InputError, match="standard input: holds no path"):
        Listing(["-"], io.BytesIO(b"\n"))


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_LZMA])
def test_an_archive_holds_the_pictures_of_its_folder(folder: Path, method: int) -> None:
    """Catches members under other keys than the folder's files, or with other bytes."""
    archive = pack(folder.parent / "set.zip", folder, method)
    assert keys(archive) == keys(folder)
    packed, plain = list_pictures([archive]), list_pictures([folder])
    assert [picture.read() for picture in packed] == [picture.read() for picture in plain]
    assert str(packed[2]) == f"{archive}/deep/a.png"
    assert keys(archive, folder) == sorted(f"{place}/{key}" for place in (archive, folder) for key in keys(folder))


def test_a_damaged_archive_costs_what_is_damaged(folder: Path) -> None:
    """Catches a traceback of the zip reader, and members of a sound directory lost with the damaged one."""
    archive = pack(folder.parent / "set.zip", folder)
    data = bytearray(archive.read_bytes())
    place = data.index(b"IHDR")  # in the first member: its checksum is wrong now
    data[place] ^= 255
    archive.write_bytes(data)
    first, *others = list_pictures([archive])
    with pytest.raises(InputError, match="is damaged in its archive: Bad CRC"):
        first.read()
    assert all(picture.read().startswith(b"\x89PNG") for picture in others)
    (folder.parent / "end.zip").write_bytes(data[:30] + b"PK\5\6" + b"\xff" * 18)
    with pytest.raises(InputError, match=r"end\.zip: is a damaged zip archive"):
        list_pictures([folder.parent / "end.zip"])


def test_an_archive_with_a_password_is_refused_by_picture(folder: Path) -> None:
    """Catches a traceback for an encrypted member."""
    archive = pack(folder.parent / "set.zip", folder)
    data = bytearray(archive.read_bytes())
    for signature, flags in ((b"PK\3\4", 6), (b"PK\1\2", 8)):
        data[data.index(signature) + flags] |= 1
    archive.write_bytes(data)
    with pytest.raises(InputError, match="password"):
        list_pictures([archive])[0].read()


def test_a_file_over_the_limit_is_not_read(folder: Path) -> None:
    """Catches a batch that fills the memory with one file, packed or not, whatever size its archive states."""
    size = (folder / "a.png").stat().st_size
    archive = pack(folder.parent / "set.zip", folder)
    for picture in (Picture("a.png", folder / "a.png"), Picture("a.png", archive, "a.png")):
        assert len(picture.read(Limits(bytes=size))) == size
        with pytest.raises(InputError, match=rf"is too large: more than {size - 1} bytes"):
            picture.read(Limits(bytes=size - 1))


def test_a_file_that_never_ends_is_refused() -> None:
    """Catches a limit that trusts the size that a file states: a device states none."""
    with pytest.raises(InputError, match="is too large: more than 1,000 bytes"):
        Picture("zero", Path("/dev/zero")).read(Limits(bytes=1000))


def test_a_listing_can_be_walked_again_without_a_list(folder: Path) -> None:
    """Catches a listing that is exhausted after its first pass, and a count that differs from what it gives."""
    listing = Listing([folder, folder.parent / "set" / "deep"])
    assert [picture.key for picture in listing] == [picture.key for picture in listing]
    assert len(listing) == len(list(listing)) == 3  # one of them is given twice


def test_two_names_with_one_spelling_have_a_key_each(tmp_path: Path) -> None:
    """Fault: bytes that are no UTF-8 and the name that spells them have one key, and one answer is lost."""
    for name in (b"gr\xfcn.png", b"gr\\xfcn.png", b"a\\xfc\xfd.png", b"a\xfc\\xfd.png", b"br\xfcn.png"):
        draw(tmp_path / "set" / os.fsdecode(name))
    found = keys(tmp_path / "set")
    assert len(set(found)) == 5
    assert {"gr\\xfcn.png", "br\\xfcn.png"} <= set(found)
    assert keys(tmp_path / "set" / "*.png") == found
    assert len(set(keys(*(tmp_path / "set").iterdir()))) == 5


def test_a_name_twice_in_an_archive_is_refused(folder: Path) -> None:
    """Fault: two pictures with one name, of which one is lost without a word."""
    archive = pack(folder.parent / "set.zip", folder)
    with zipfile.ZipFile(archive, "a") as more, pytest.warns(UserWarning, match="Duplicate name"):
        more.writestr("a.png", b"another")
    first, *others = list_pictures([archive])
    with pytest.raises(InputError, match="is in its archive more than once"):
        first.read()
    assert [picture.key for picture in others] == ["b.png", "deep/a.png"]
    assert all(picture.read() for picture in others)


def test_what_the_run_writes_is_no_picture(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Faults: results, masks and previews taken for pictures; pictures left out because they lie in an own folder."""
    for name in ("look/a.png.jpg", "deep/masks/b.png", "out.json", "deep/out.json"):
        draw(folder / name)
    monkeypatch.chdir(folder.parent)
    expected = ["a.png", "b.png", "deep/a.png", "deep/out.json"]
    lines = "\n".join(map(str, Path("set").rglob("*.*"))).encode()
    for argument in (folder, "set", "set/**/*"):
        own = OwnFiles([Path("set/look"), folder / "deep" / "masks", Path("set/out.json"), Path(), None])
        listing = Listing([argument], own=own)
        assert sorted(picture.key for picture in listing) == expected
        assert sorted(Path(path).name for path in own.left_out) == ["look", "masks", "out.json"]
    own = OwnFiles([Path("set/look"), Path("set/deep/masks"), Path("set/out.json"), Path("set")])
    assert sorted(picture.key for picture in Listing(["-"], io.BytesIO(lines), own)) == [
        f"set/{key}" for key in expected
    ]


def test_one_folder_that_cannot_be_listed_costs_itself(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Faults: one unreadable folder stops the run, or its pictures are missing without a word."""
    scandir = os.scandir

    def refuse(place: str) -> Any:
        if Path(place).name == "deep":
            raise PermissionError(13, "Permission denied", place)
        return scandir(place)

    monkeypatch.setattr(os, "scandir", refuse)
    assert keys(folder) == ["a.png", "b.png", "deep"]
    with pytest.raises(InputError, match="is a folder that is not searched"):
        list_pictures([folder])[-1].read()
    with pytest.raises(InputError, match="deep: cannot be listed: Permission denied"):
        list_pictures([folder / "deep"])


def test_an_empty_argument_is_refused() -> None:
    """Fault: an unset variable of a script classifies the current folder."""
    with pytest.raises(InputError, match="an argument is empty"):
        list_pictures([""])


def test_a_picture_that_holds_an_archive_is_a_picture(folder: Path) -> None:
    """Fault: the mark of an archive's end within the last 64 KiB of one photograph ends the whole run."""
    with (folder / "a.png").open("ab") as file:
        file.write(b"....PK\5\6" + bytes(range(40)))
    assert keys(folder / "a.png") == ["a.png"]
    archive = pack(folder.parent / "set.zip", folder)
    archive.write_bytes(archive.read_bytes()[:200])
    with pytest.raises(InputError, match=r"set\.zip: is a damaged zip archive"):
        list_pictures([archive])


def test_a_member_whose_name_is_no_utf8_is_one_line(tmp_path: Path) -> None:
    """Fault: a traceback for an archive that says its names are UTF-8 where they are not."""
    with zipfile.ZipFile(tmp_path / "set.zip", "w") as archive:
        archive.writestr("gr\u00fcn.png", b"")
    data = (tmp_path / "set.zip").read_bytes()
    (tmp_path / "set.zip").write_bytes(data.replace("\u00fc".encode(), b"\xfc\xfc"))
    with pytest.raises(InputError, match=r"set\.zip: is a damaged zip archive"):
        list_pictures([tmp_path / "set.zip"])


def test_what_the_system_refuses_is_one_line() -> None:
    """Fault: a traceback for a name that is too long, or for a folder that may not be entered."""
    with pytest.raises(InputError, match=r"n\.png: cannot be read: File name too long"):
        list_pictures(["n" * 300 + ".png"])


def test_a_picture_under_two_paths_is_listed_once(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Faults: a picture answered twice because its folder and itself are given; one lost behind a linked folder."""
    monkeypatch.chdir(folder)
    assert keys(".", "a.png") == ["a.png", "b.png", "deep/a.png"]
    assert len(keys(folder, "../set/deep", "a.png")) == 3
    draw(folder.parent / "other" / "deep" / "x.png")
    (folder / "link").symlink_to(folder.parent / "other" / "deep")
    draw(folder.parent / "other" / "a.png")
    assert keys("a.png", "link/../a.png") == ["a.png", "link/../a.png"]


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
def test_a_list_of_windows_programs_is_read(folder: Path, encoding: str) -> None:
    """Faults: the first line lost to a byte order mark; a list in UTF-16 read letter by letter."""
    lines = f"{folder}/a.png\r\n{folder}/gr\u00fcn.png\r\n"
    listing = Listing(["-"], io.BytesIO(lines.encode(encoding)))
    assert [picture.key for picture in listing] == lines.split()
    big = codecs.BOM_UTF16_BE + lines.encode("utf-16-be")
    assert [picture.key for picture in Listing(["-"], io.BytesIO(big))] == lines.split()


def test_a_list_of_stored_pictures_may_begin_with_a_byte_order_mark(tmp_path: Path) -> None:
    """Fault: the first picture of a list that Windows' programs wrote is not found."""
    pytest.importorskip("pyarrow")
    from inference.objects.pictures import list_stored

    (tmp_path / "list.txt").write_text("a.png\nb.png\n", encoding="utf-8-sig")
    assert [picture.key for picture in list_stored([str(tmp_path / "list.txt")])] == ["a.png", "b.png"]


def test_the_shortest_list_of_stored_pictures_is_read_line_by_line(tmp_path: Path) -> None:
    """Fault: a line end among the bytes in which a byte order mark is looked for."""
    pytest.importorskip("pyarrow")
    from inference.objects.pictures import list_stored

    (tmp_path / "list.txt").write_text("a\nb")
    assert [picture.key for picture in list_stored([str(tmp_path / "list.txt")])] == ["a", "b"]


def test_a_linked_folder_that_is_not_entered_is_named(folder: Path) -> None:
    """Fault: the pictures of a linked folder are missing without a word."""
    (folder / "more").symlink_to(folder.parent)
    (folder / "deep" / "nowhere").symlink_to(folder / "none")
    listing = Listing([folder])
    assert listing.own.remarks() == [f"linked folders are not entered; give them as arguments: {folder}/more"]
    assert Listing([folder / "more" / "set" / "deep"]).own.remarks() == []
