"""What the tests of this folder do inside a kernel: functions that are sent there as text.

Each imports what it needs and binds no name outside itself: the cells' own names stay theirs.
"""


def _guard_network_and_folder():
    """From now on only this machine answers, and the working directory cannot be written."""
    import os
    import sys

    here = os.getcwd()
    writing = os.O_WRONLY | os.O_RDWR | os.O_CREAT

    def refuse(event, arguments):
        if event == "socket.getaddrinfo" and arguments[0] not in ("localhost", "127.0.0.1", "::1"):
            raise OSError(f"the notebook asks the network for {arguments[0]}")
        if event == "socket.connect" and isinstance(arguments[1], tuple):
            if arguments[1][0] not in ("127.0.0.1", "::1"):
                raise OSError(f"the notebook opens a connection to {arguments[1]}")
        if event == "open" and arguments[2] & writing and isinstance(arguments[0], str):
            if os.path.abspath(arguments[0]).startswith(here + os.sep):
                raise PermissionError(f"the notebook writes {arguments[0]}")

    sys.addaudithook(refuse)


def _peak_megabytes():
    """The largest resident memory of this kernel so far (Linux keeps the mark per process)."""
    with open("/proc/self/status") as status:
        return next(int(line.split()[1]) / 1024 for line in status if line.startswith("VmHWM"))


def _move_every_control():
    """Set every control to its ends or to each option and back, and press every button.

    An error in a step is raised (LiveFigure.raise_errors). Afterwards every figure must say what it
    said before. Returns how many controls were moved, buttons pressed and figures looked at.
    """
    from ipywidgets import Button, Play
    from ipywidgets.widgets.widget import _instances

    from helpers.live import LiveFigure

    def settings(widget):
        """The values to try; none for a widget that is no control."""
        if widget.has_trait("index"):
            return [value for _, value in widget._options_full]
        if widget.has_trait("base"):
            return [widget.base**widget.min, widget.base**widget.max]
        if widget.has_trait("min") and not type(widget).__name__.endswith("Progress"):
            return [widget.min, widget.max]
        is_switch = widget.has_trait("value") and isinstance(widget.value, bool)
        return [True, False] if is_switch else []

    def tick():
        """The browser's part in a long computation: it moves a Play widget that is playing."""
        for play in [w for w in list(_instances.values()) if isinstance(w, Play)]:
            while play.playing and play.value < play.max:
                play.value += 1

    LiveFigure.raise_errors = True
    figures = [w for w in list(_instances.values()) if isinstance(w, LiveFigure)]
    said = [figure.text for figure in figures]
    controls = [w for w in list(_instances.values()) if settings(w)]
    for control in controls:
        opening = control.value
        for value in [*settings(control), opening]:
            control.value = value
    buttons = [w for w in list(_instances.values()) if isinstance(w, Button)]
    for button in buttons:
        button.click()
        tick()
    for figure, before in zip(figures, said, strict=True):
        assert not figure.error, f"{figure.call} is left with an error: {figure.error}"
        assert figure.text == before, f"{figure.call} does not come back: {figure.text}"
    return len(controls), len(buttons), len(figures)
