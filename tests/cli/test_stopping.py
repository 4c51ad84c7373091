from __future__ import annotations

import os
import signal
import subprocess
import sys

import pytest

from napari_unet_nuclei.cli.stopping import Stop


def test_sigterm_asks_a_run_to_stop():
    done = []
    stop = Stop()

    def steps():
        for number in range(5):
            done.append(number)
            if number == 1:
                signal.raise_signal(signal.SIGTERM)
            yield number

    before = signal.getsignal(signal.SIGTERM)
    with pytest.raises(KeyboardInterrupt), stop.on_termination():
        for _ in stop.watch(steps()):
            pass
    assert done == [0, 1]
    assert signal.getsignal(signal.SIGTERM) is before


def test_sigterm_ends_what_has_not_begun():
    with Stop().on_termination(), pytest.raises(KeyboardInterrupt):
        signal.raise_signal(signal.SIGTERM)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no process is copied here")
def test_sigterm_ends_copies_of_the_process():
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
