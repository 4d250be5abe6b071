"""python -m inference MODEL IMAGES... : classify pictures with a .tflite that `python -m export` wrote."""

import sys
from collections.abc import Sequence

from .command import classify
from .errors import InputError, explain
from .options import make_parser
from .packages import RUNNER, check_packages
from .program import requirements
from .streams import open_closed_streams, say

_INTERRUPTED = 130  # what a shell says of a program that Ctrl-C has ended


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; return the exit code."""
    open_closed_streams()
    try:
        return _run(sys.argv[1:] if arguments is None else list(arguments))
    except KeyboardInterrupt:
        say("stopped")
        return _INTERRUPTED


def _run(words: list[str]) -> int:
    if words[:1] == ["serve"]:
        from .service.serve import main as serve  # needs what a runner may lack

        return serve(words[1:])
    if words[:1] == ["check"]:
        from .verify.command import main as check

        return check(words[1:])
    if words[:1] in (["enroll"], ["classes"]):
        from .enrollment.command import main as enroll_or_list

        return enroll_or_list(words)
    if words[:1] == ["classify"]:  # what is done without a verb
        words = words[1:]
    options = make_parser().parse_args(words)
    try:
        check_packages(RUNNER, requirements())
        if options.video is not None:
            from .video.command import classify_video_as  # what a batch in child processes need not load

            return classify_video_as(options)
        return classify(options)
    except (InputError, OSError) as fault:
        say(f"Error: {explain(fault)}")
        return 2


if __name__ == "__main__":
    sys.exit(main())
