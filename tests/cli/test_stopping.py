from __future__ import annotations

import os
import subprocess
import sys

import pytest


def run_program(program: str) -> str:
    """Return what a program says; SIGTERM in this process would concern all tests."""
    finished = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert finished.returncode == 0, finished.stderr
    return finished.stdout


def test_sigterm_asks_a_run_to_stop() -> None:
    said = run_program(
        "import signal\n"
        "from napari_unet_nuclei.cli.stopping import Stop\n"
        "stop, done = Stop(), []\n"
        "def steps():\n"
        "    for number in range(5):\n"
        "        done.append(number)\n"
        "        if number == 1:\n"
        "            signal.raise_signal(signal.SIGTERM)\n"
        "        yield number\n"
        "before = signal.getsignal(signal.SIGTERM)\n"
        "try:\n"
        "    with stop.on_termination():\n"
        "        for _ in stop.watch(steps()): pass\n"
        "except KeyboardInterrupt:\n"
        "    print(done, signal.getsignal(signal.SIGTERM) is before)\n"
    )
    assert said == "[0, 1] True\n"


def test_a_request_is_heard_within_a_step_and_what_there_is_is_saved() -> None:
    said = run_program(
        "import signal\n"
        "from napari_unet_nuclei.cli.stopping import Stop\n"
        "from napari_unet_nuclei.core.cancellation import (\n"
        "    check_cancelled, uncancellable)\n"
        "def steps():\n"
        "    yield 1\n"
        "    signal.raise_signal(signal.SIGTERM)\n"
        "    try:\n"
        "        check_cancelled()\n"
        "        print('went on')\n"
        "    finally:\n"
        "        with uncancellable():\n"
        "            check_cancelled()\n"
        "            print('saved')\n"
        "stop = Stop()\n"
        "try:\n"
        "    with stop.on_termination():\n"
        "        for _ in stop.watch(steps()): pass\n"
        "except KeyboardInterrupt:\n"
        "    check_cancelled()\n"
        "    print('stopped')\n"
    )
    assert said == "saved\nstopped\n"


def test_a_process_that_still_listens_ends_well() -> None:
    program = "from napari_unet_nuclei.cli.stopping import Stop; Stop().listen()"
    process = subprocess.Popen([sys.executable, "-c", program], stdin=subprocess.PIPE)
    with process:
        assert process.wait(60) == 0


def test_sigterm_ends_what_has_not_begun() -> None:
    said = run_program(
        "import signal\n"
        "from napari_unet_nuclei.cli.stopping import Stop\n"
        "try:\n"
        "    with Stop().on_termination():\n"
        "        signal.raise_signal(signal.SIGTERM)\n"
        "except KeyboardInterrupt:\n"
        "    print('interrupted')\n"
    )
    assert said == "interrupted\n"


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no process is copied here")
def test_sigterm_ends_copies_of_the_process() -> None:
    program = (
        "import os, signal\n"
        "from napari_unet_nuclei.cli.stopping import Stop\n"
        "stop = Stop()\n"
        "def steps():\n"
        "    (heard, said), (waits, kept) = os.pipe(), os.pipe()\n"
        "    child = os.fork()\n"
        "    if child == 0:\n"
        "        os.close(kept)\n"
        "        os.write(said, b'!')\n"
        "        os.read(waits, 1)  # until this process ends, at the latest\n"
        "        os._exit(0)\n"
        "    os.read(heard, 1)\n"
        "    os.kill(child, signal.SIGTERM)\n"
        "    print(os.WTERMSIG(os.waitpid(child, 0)[1]) == signal.SIGTERM)\n"
        "    yield\n"
        "with stop.on_termination():\n"
        "    for _ in stop.watch(steps()): pass\n"
    )
    finished = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        check=True,
        timeout=50,
    )
    assert finished.stdout == "True\n"
