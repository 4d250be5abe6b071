"""Pictures with their answers in a window: --show."""

from collections.abc import Callable
from typing import Any

from PIL import Image

from ..errors import InputError

_NO_WINDOW = "Use --preview DIR instead: it writes the same pictures as files."
_SHARE_OF_SCREEN = 0.85


def show(titles: list[str], draw: Callable[[int], Image.Image]) -> None:
    """Show pictures one after the other until the window is closed; arrow keys or space turn pages, Escape closes.

    titles: one for each picture. draw: makes the picture at an index when it is its turn, so that only one is held.

    Raises:
        InputError: there is no display, or Python has no tkinter.
    """
    try:
        import tkinter

        from PIL import ImageTk  # a package of its own on some systems
    except ImportError as fault:
        raise InputError(f"--show needs tkinter and ImageTk, which this Python lacks. {_NO_WINDOW}") from fault
    try:
        window = tkinter.Tk()
    except tkinter.TclError as fault:
        raise InputError(f"--show needs a display: {fault}. {_NO_WINDOW}") from fault
    label = tkinter.Label(window, background="black")
    _Viewer(window, label, titles, draw, ImageTk.PhotoImage).start()
    window.mainloop()


class _Viewer:
    """The window's state: which picture it shows."""

    def __init__(
        self,
        window: Any,
        label: Any,
        titles: list[str],
        draw: Callable[[int], Image.Image],
        to_tk: Callable[[Image.Image], Any],
    ) -> None:
        self._window, self._label, self._titles, self._draw, self._to_tk = window, label, titles, draw, to_tk
        self._index = 0
        self._shown: Any = None  # tkinter forgets a picture that Python does not hold

    def start(self) -> None:
        self._window.configure(background="black")
        self._label.pack(expand=True, fill="both")
        for key, step in (("<Right>", 1), ("<space>", 1), ("<Left>", -1)):
            self._window.bind(key, lambda _, step=step: self._turn(step))
        self._window.bind("<Escape>", lambda _: self._window.destroy())
        self._turn(0)

    def _turn(self, step: int) -> None:
        self._index = (self._index + step) % len(self._titles)
        image = self._draw(self._index)
        largest = (self._window.winfo_screenwidth(), self._window.winfo_screenheight())
        image.thumbnail((int(largest[0] * _SHARE_OF_SCREEN), int(largest[1] * _SHARE_OF_SCREEN)))
        self._shown = self._to_tk(image)
        self._label.configure(image=self._shown)
        self._window.title(f"{self._titles[self._index]} ({self._index + 1} of {len(self._titles)})")
