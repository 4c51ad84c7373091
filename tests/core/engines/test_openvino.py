from __future__ import annotations

import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import openvino
import pytest

from napari_unet_nuclei.core import hardware
from napari_unet_nuclei.core.cancellation import Cancelled, cancellable
from napari_unet_nuclei.core.engines.engine import create_engine
from napari_unet_nuclei.core.engines.keras import KerasEngine
from napari_unet_nuclei.core.engines.openvino import OpenVinoEngine
from napari_unet_nuclei.core.errors import EngineError
from napari_unet_nuclei.core.settings.choices import EngineName

if TYPE_CHECKING:
    from napari_unet_nuclei.core.models.bundle import ModelBundle

TILES = np.random.default_rng(0).random((2, 48, 32, 3), np.float32)


def compiled_shapes(monkeypatch: pytest.MonkeyPatch) -> list[tuple[int, ...]]:
    """Note the shape of each network that is compiled from now on."""
    shapes: list[tuple[int, ...]] = []
    compile_model = openvino.Core.compile_model

    def note(core: Any, network: openvino.Model, *options: Any) -> Any:
        shapes.append(tuple(network.input().shape))
        return compile_model(core, network, *options)

    monkeypatch.setattr(openvino.Core, "compile_model", note)
    return shapes


def test_maps_stay_as_long_as_they_are_looked_at(tiny_bundle: ModelBundle) -> None:
    engine = OpenVinoEngine(tiny_bundle)
    row = engine.predict(TILES)[0, 3, :, 1]  # what is left of the first maps
    kept = row.copy()
    address = engine.predict(1 - TILES).ctypes.data
    np.testing.assert_array_equal(row, kept)
    # Those nobody has kept leave their memory to the next.
    assert engine.predict(TILES).ctypes.data == address
    np.testing.assert_array_equal(row, kept)
    np.testing.assert_array_equal(engine.predict(TILES)[0, 3, :, 1], kept)


@pytest.mark.skipif(sys.platform != "linux", reason="threads are counted in /proc")
def test_many_sizes_of_tiles_leave_few_threads(tiny_bundle: ModelBundle) -> None:
    engine = OpenVinoEngine(tiny_bundle)
    tasks = Path("/proc/self/task")
    engine.predict(TILES[:1, :8, :8])
    n_before = len(list(tasks.iterdir()))
    for side in range(2, 32):
        engine.predict(np.zeros((1, 8, 8 * side, 3), np.float32))
    assert len(list(tasks.iterdir())) < n_before + 24


def test_networks_hold_no_more_than_a_share_of_the_memory(
    tiny_bundle: ModelBundle, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hardware, "total_memory", lambda: 8 * 110 * 3 * 64)
    compiled = compiled_shapes(monkeypatch)
    engine = OpenVinoEngine(tiny_bundle)
    for side in (8, 16, 8, 16):
        engine.predict(np.zeros((1, 8, side, 3), np.float32))
    assert len(compiled) == 2
    engine.predict(np.zeros((1, 8, 24, 3), np.float32))
    engine.predict(np.zeros((1, 8, 16, 3), np.float32))
    assert len(compiled) == 4


def test_a_quota_of_processors_limits_threads(
    tiny_bundle: ModelBundle, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hardware, "n_processors", lambda: 1)
    monkeypatch.setattr(hardware, "available_processors", lambda: 2)
    engine = OpenVinoEngine(tiny_bundle)
    engine.predict(TILES[:1, :8, :8])
    (held,) = engine._held.values()
    compiled = held.request.get_compiled_model()
    assert compiled.get_property("INFERENCE_NUM_THREADS") == 1


@pytest.mark.parametrize(
    "damaged", [(b"", b""), (b"<net/>", b""), (b"no xml", b"\0" * 100)]
)
def test_a_damaged_form_is_refused(
    tiny_bundle: ModelBundle, damaged: tuple[bytes, ...]
) -> None:
    bundle = replace(tiny_bundle, openvino=damaged)
    with pytest.raises(EngineError, match="OpenVINO cannot load the model 'tiny'"):
        OpenVinoEngine(bundle)
    assert create_engine(bundle).name is EngineName.KERAS


def test_a_form_without_weights_is_refused(tiny_bundle: ModelBundle) -> None:
    assert tiny_bundle.openvino is not None
    bundle = replace(tiny_bundle, openvino=(tiny_bundle.openvino[0], b""))
    with pytest.raises(EngineError, match="OpenVINO cannot load the model 'tiny'"):
        OpenVinoEngine(bundle)


def test_shapes_are_compiled_once_and_forgotten_when_they_hold_too_much(
    tiny_bundle: ModelBundle, monkeypatch: pytest.MonkeyPatch
) -> None:
    compiled = compiled_shapes(monkeypatch)
    engine = OpenVinoEngine(tiny_bundle)
    small, large = (1, 32, 32, 3), (1, 2048, 4096, 3)
    for shape in small, small, large, large, small:
        engine.predict(np.zeros(shape, np.float32))
    assert compiled == [small, large, small]


def test_maps_are_the_same_whether_or_not_they_can_be_cancelled(
    tiny_bundle: ModelBundle,
) -> None:
    engine = OpenVinoEngine(tiny_bundle)
    expected = engine.predict(TILES)
    with cancellable(lambda: False):
        np.testing.assert_array_equal(engine.predict(TILES), expected)


def test_a_computing_network_is_stopped_and_can_be_used_again(
    tiny_bundle: ModelBundle,
) -> None:
    engine = OpenVinoEngine(tiny_bundle, poll_interval=0)
    large = np.random.default_rng(0).random((1, 2048, 2048, 3), np.float32)
    expected = engine.predict(large)
    (network,) = engine._held.values()
    n_asked = 0

    def is_cancelled() -> bool:
        nonlocal n_asked
        n_asked += 1
        return n_asked > 2  # asked twice before it computes

    with cancellable(is_cancelled):
        with pytest.raises(Cancelled):
            engine.predict(large)
        assert n_asked == 3
        with pytest.raises(Cancelled):  # and is not even begun
            engine.predict(large)
        assert n_asked == 4
    assert list(engine._held.values()) == [network]
    np.testing.assert_array_equal(engine.predict(large), expected)


def test_a_question_that_fails_leaves_no_network_computing(
    tiny_bundle: ModelBundle,
) -> None:
    engine = OpenVinoEngine(tiny_bundle, poll_interval=0)
    large = np.random.default_rng(0).random((1, 1024, 1024, 3), np.float32)
    expected = engine.predict(large)
    n_asked = 0

    def fail() -> bool:
        nonlocal n_asked
        n_asked += 1
        if n_asked > 2:  # asked twice before it computes
            raise KeyboardInterrupt
        return False

    with cancellable(fail), pytest.raises(KeyboardInterrupt):
        engine.predict(large)
    np.testing.assert_array_equal(engine.predict(large), expected)


_TWO_AT_ONCE = """
import threading
from napari_unet_nuclei.core.segmentation.model import load_model

def load():
    for _ in range(3):
        load_model("classic", "openvino")

threads = [threading.Thread(target=load) for _ in range(2)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
"""


def test_two_threads_may_load_their_first_networks_at_once() -> None:
    """In a process of its own, which hangs as a whole where this fails."""
    subprocess.run([sys.executable, "-c", _TWO_AT_ONCE], check=True, timeout=60)


def test_the_precision_can_be_chosen(tiny_bundle: ModelBundle) -> None:
    engine = OpenVinoEngine(tiny_bundle, "f32")
    assert engine.description.startswith("OpenVINO, f32, on ")
    reference = KerasEngine.from_bundle(tiny_bundle).predict(TILES)
    np.testing.assert_allclose(engine.predict(TILES), reference, atol=1e-3)


def test_another_device_can_be_asked_for(
    tiny_bundle: ModelBundle, monkeypatch: pytest.MonkeyPatch
) -> None:
    on_cpu = OpenVinoEngine(tiny_bundle)
    assert re.fullmatch(r"OpenVINO, (bf16|f16|f32), on .+", on_cpu.description)
    monkeypatch.setenv("NAPARI_UNET_NUCLEI_DEVICE", "auto")
    chosen = OpenVinoEngine(tiny_bundle)
    assert chosen.description.startswith("OpenVINO, AUTO, on CPU")
    for _ in range(2):  # the second time, its memory is used again
        np.testing.assert_allclose(
            chosen.predict(TILES), on_cpu.predict(TILES), atol=0.02
        )


def test_too_little_memory_is_told_by_openvino(tiny_path: Path) -> None:
    program = (
        "import resource, sys\n"
        "import numpy as np\n"
        "from pathlib import Path\n"
        "from napari_unet_nuclei.core.engines.openvino import OpenVinoEngine\n"
        "from napari_unet_nuclei.core.errors import OutOfMemoryError\n"
        "from napari_unet_nuclei.core.models.bundle import read_bundle\n"
        "engine = OpenVinoEngine(read_bundle(Path(sys.argv[1])))\n"
        "engine.predict(np.zeros((1, 32, 32, 3), np.float32))\n"
        "tiles = np.zeros((1, 4096, 4096, 3), np.float32)\n"
        "pages = int(open('/proc/self/statm').read().split()[0])\n"
        "limit = pages * resource.getpagesize() + 2**27\n"
        "resource.setrlimit(resource.RLIMIT_AS, (limit, limit))\n"
        "try:\n"
        "    engine.predict(tiles)\n"
        "except OutOfMemoryError as error:\n"
        "    print(error)\n"
        "print(engine.predict(tiles[:, :32, :32]).shape)\n"
    )
    finished = subprocess.run(
        [sys.executable, "-c", program, tiny_path],
        capture_output=True,
        text=True,
        check=True,
    )
    message, shape = finished.stdout.splitlines()
    assert message.startswith("OpenVINO found no memory")
    assert shape == "(1, 32, 32, 3)"


def test_a_failing_runtime_says_so(tiny_bundle: ModelBundle) -> None:
    engine = OpenVinoEngine(tiny_bundle)
    with pytest.raises(EngineError, match="OpenVINO failed"):
        engine.predict(np.zeros((1, 32, 32, 7), np.float32))
