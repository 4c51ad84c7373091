from __future__ import annotations

import importlib.util
import re
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING

import keras
import numpy as np
import pytest

from napari_unet_nuclei.core import hardware
from napari_unet_nuclei.core.cancellation import Cancelled, cancellable
from napari_unet_nuclei.core.engines import engine as engine_module
from napari_unet_nuclei.core.engines.engine import (
    KerasEngine,
    OpenVinoEngine,
    create_engine,
)
from napari_unet_nuclei.core.errors import EngineError, OutOfMemoryError, SettingsError
from napari_unet_nuclei.core.networks.bundling import (
    get_weights,
    restore_model,
    set_weights,
)
from napari_unet_nuclei.core.networks.exporting import add_openvino
from napari_unet_nuclei.core.settings.choices import EngineName

if TYPE_CHECKING:
    import openvino

    from napari_unet_nuclei.core.models.bundle import ModelBundle

TILES = np.random.default_rng(0).random((2, 48, 32, 3), np.float32)


@pytest.fixture(scope="module")
def tiny_resnet(make_bundle) -> ModelBundle:
    bundle = make_bundle("resnet", upsampling="bilinear")
    return add_openvino(bundle)


@pytest.mark.parametrize("name", ["tiny_bundle", "tiny_resnet"])
def test_both_engines_find_the_same_maps(name, request):
    bundle = request.getfixturevalue(name)
    reference, fast = (
        create_engine(bundle, engine).predict(TILES)
        for engine in (EngineName.KERAS, EngineName.OPENVINO)
    )
    for maps in reference, fast:
        assert maps.shape == (2, 48, 32, 3)
        assert maps.dtype == np.float32
        assert maps.min() >= 0
        assert maps.max() <= 1
    assert np.ptp(reference) > 0.3
    np.testing.assert_allclose(fast, reference, atol=0.01)


@pytest.mark.parametrize("engine", [EngineName.KERAS, EngineName.OPENVINO])
def test_tiles_may_have_any_size_and_layout(tiny_bundle, engine):
    runtime = create_engine(tiny_bundle, engine)
    small, large = (runtime.predict(TILES[:1, :n, :n]) for n in (8, 32))
    assert small.shape == (1, 8, 8, 3)
    again = runtime.predict(TILES[:1, :8, :8])
    np.testing.assert_array_equal(small, again)
    assert large.shape == (1, 32, 32, 3)
    turned = np.rot90(TILES[:, :32, ::-1], axes=(1, 2))
    np.testing.assert_allclose(
        runtime.predict(turned),
        runtime.predict(np.ascontiguousarray(turned)),
        atol=1e-6,
    )


@pytest.mark.parametrize("engine", [EngineName.KERAS, EngineName.OPENVINO])
def test_grey_is_seen_in_every_channel(tiny_bundle, engine):
    runtime = create_engine(tiny_bundle, engine)
    grey = np.broadcast_to(TILES[..., :1], TILES.shape)
    np.testing.assert_allclose(
        runtime.predict(grey), runtime.predict(grey.copy()), atol=0.01
    )


def test_maps_stay_as_long_as_they_are_looked_at(tiny_bundle):
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
def test_many_sizes_of_tiles_leave_few_threads(tiny_bundle):
    engine = OpenVinoEngine(tiny_bundle)
    tasks = Path("/proc/self/task")
    engine.predict(TILES[:1, :8, :8])
    n_before = len(list(tasks.iterdir()))
    for side in range(2, 32):
        engine.predict(np.zeros((1, 8, 8 * side, 3), np.float32))
    assert len(list(tasks.iterdir())) < n_before + 24


def test_networks_hold_no_more_than_a_share_of_the_memory(tiny_bundle, monkeypatch):
    monkeypatch.setattr(hardware, "total_memory", lambda: 8 * 110 * 3 * 64)
    engine = OpenVinoEngine(tiny_bundle)
    compiled = []
    compile_model = engine._core.compile_model
    monkeypatch.setattr(
        engine,
        "_core",
        SimpleNamespace(
            compile_model=lambda *args: compiled.append(1) or compile_model(*args)
        ),
    )
    for side in (8, 16, 8, 16):
        engine.predict(np.zeros((1, 8, side, 3), np.float32))
    assert len(compiled) == 2
    engine.predict(np.zeros((1, 8, 24, 3), np.float32))
    engine.predict(np.zeros((1, 8, 16, 3), np.float32))
    assert len(compiled) == 4


def test_a_quota_of_processors_limits_threads(tiny_bundle, monkeypatch):
    monkeypatch.setattr(hardware, "n_processors", lambda: 1)
    monkeypatch.setattr(hardware, "available_processors", lambda: 2)
    engine = OpenVinoEngine(tiny_bundle)
    engine.predict(TILES[:1, :8, :8])
    (held,) = engine._held.values()
    compiled = held.request.get_compiled_model()
    assert compiled.get_property("INFERENCE_NUM_THREADS") == 1


def test_openvino_is_preferred(tiny_bundle):
    engine = create_engine(tiny_bundle)
    assert engine.name is EngineName.OPENVINO
    assert engine.description.startswith("OpenVINO, ")


def test_a_model_in_training_runs_on_keras(tiny_bundle):
    engine = create_engine(replace(tiny_bundle, openvino=None))
    assert engine.name is EngineName.KERAS
    assert keras.backend.backend() in engine.description
    assert "(not OpenVINO: The model 'tiny' holds no OpenVINO form" in (
        engine.description
    )


def test_openvino_needs_its_form_of_the_model(tiny_bundle):
    with pytest.raises(EngineError, match=r"no OpenVINO form.*interrupted"):
        create_engine(replace(tiny_bundle, openvino=None), EngineName.OPENVINO)


@pytest.mark.parametrize(
    "damaged", [(b"", b""), (b"<net/>", b""), (b"no xml", b"\0" * 100)]
)
def test_a_damaged_form_is_refused(tiny_bundle, damaged):
    bundle = replace(tiny_bundle, openvino=damaged)
    with pytest.raises(EngineError, match="OpenVINO cannot load the model 'tiny'"):
        OpenVinoEngine(bundle)
    assert create_engine(bundle).name is EngineName.KERAS


def test_a_form_without_weights_is_refused(tiny_bundle):
    assert tiny_bundle.openvino is not None
    bundle = replace(tiny_bundle, openvino=(tiny_bundle.openvino[0], b""))
    with pytest.raises(EngineError, match="OpenVINO cannot load the model 'tiny'"):
        OpenVinoEngine(bundle)


def test_openvino_may_be_missing(tiny_bundle, monkeypatch):
    monkeypatch.setitem(sys.modules, "openvino", None)
    with pytest.raises(EngineError, match=r"OpenVINO is not installed.*pip install"):
        create_engine(tiny_bundle, EngineName.OPENVINO)
    engine = create_engine(tiny_bundle)
    assert engine.name is EngineName.KERAS
    assert "not OpenVINO: OpenVINO is not installed" in engine.description


def test_without_any_engine_the_reason_is_given(tiny_bundle, monkeypatch):
    monkeypatch.setitem(sys.modules, "openvino", None)
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: None)
    with pytest.raises(EngineError, match="OpenVINO is not installed"):
        create_engine(tiny_bundle)


def test_keras_sees_later_weights(tiny_bundle):
    network = restore_model(tiny_bundle)
    engine = KerasEngine(network)
    before = engine.predict(TILES)
    set_weights(network, {k: 0 * v for k, v in get_weights(network).items()})
    after = engine.predict(TILES)
    np.testing.assert_allclose(after, 0.5)
    assert not np.array_equal(before, after)


def test_shapes_are_compiled_once_and_forgotten_when_they_hold_too_much(tiny_bundle):
    engine = OpenVinoEngine(tiny_bundle)
    compiled = []

    class Core:
        def __init__(self, core: openvino.Core) -> None:
            self.compile_model = lambda network, *options: (
                compiled.append(tuple(network.input().shape))
                or core.compile_model(network, *options)
            )

    engine._core = Core(engine._core)
    small, large = (1, 32, 32, 3), (1, 2048, 4096, 3)
    for shape in small, small, large, large, small:
        engine.predict(np.zeros(shape, np.float32))
    assert compiled == [small, large, small]


@pytest.mark.parametrize("name", [EngineName.KERAS, EngineName.OPENVINO])
def test_threads_take_turns(tiny_bundle, name):
    engine = create_engine(tiny_bundle, name)
    tiles = [TILES[:, :side] for side in (16, 32, 48)] * 8
    expected = [engine.predict(tile) for tile in tiles]
    with ThreadPoolExecutor(4) as executor:
        for one, two in zip(expected, executor.map(engine.predict, tiles), strict=True):
            np.testing.assert_array_equal(one, two)


def test_maps_are_the_same_whether_or_not_they_can_be_cancelled(tiny_bundle):
    engine = OpenVinoEngine(tiny_bundle)
    expected = engine.predict(TILES)
    with cancellable(lambda: False):
        np.testing.assert_array_equal(engine.predict(TILES), expected)


def test_a_computing_network_is_stopped_and_can_be_used_again(tiny_bundle, monkeypatch):
    monkeypatch.setattr(engine_module, "_MS_BETWEEN_QUESTIONS", 0)  # ask at once
    engine = OpenVinoEngine(tiny_bundle)
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


def test_a_question_that_fails_leaves_no_network_computing(tiny_bundle, monkeypatch):
    monkeypatch.setattr(engine_module, "_MS_BETWEEN_QUESTIONS", 0)
    engine = OpenVinoEngine(tiny_bundle)
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


def test_two_threads_may_load_their_first_networks_at_once():
    """In a process of its own, which hangs as a whole where this fails."""
    subprocess.run([sys.executable, "-c", _TWO_AT_ONCE], check=True, timeout=60)


def test_the_precision_can_be_chosen(tiny_bundle):
    engine = OpenVinoEngine(tiny_bundle, "f32")
    assert engine.description.startswith("OpenVINO, f32, on ")
    reference = KerasEngine.from_bundle(tiny_bundle).predict(TILES)
    np.testing.assert_allclose(engine.predict(TILES), reference, atol=1e-3)


def test_another_device_can_be_asked_for(tiny_bundle, monkeypatch):
    on_cpu = OpenVinoEngine(tiny_bundle)
    assert re.fullmatch(r"OpenVINO, (bf16|f16|f32), on .+", on_cpu.description)
    monkeypatch.setenv("NAPARI_UNET_NUCLEI_DEVICE", "auto")
    chosen = OpenVinoEngine(tiny_bundle)
    assert chosen.description.startswith("OpenVINO, AUTO, on CPU")
    for _ in range(2):  # the second time, its memory is used again
        np.testing.assert_allclose(
            chosen.predict(TILES), on_cpu.predict(TILES), atol=0.02
        )


def test_a_device_that_is_not_there_is_no_reason_to_take_another(
    tiny_bundle, monkeypatch
):
    monkeypatch.setenv("NAPARI_UNET_NUCLEI_DEVICE", "TPU.7")
    with pytest.raises(SettingsError, match=r"OpenVINO sees, CPU.*DEVICE=TPU\.7"):
        create_engine(tiny_bundle, EngineName.AUTO)


@pytest.mark.parametrize(
    "error",
    [
        MemoryError(),
        RuntimeError("allocator.cpp:79: std::bad_alloc"),
        RuntimeError("Failed to allocate 113246208 bytes of memory"),
        RuntimeError("CUDA out of memory. Tried to allocate 2 GiB"),
        RuntimeError("RESOURCE_EXHAUSTED: Out of memory"),
        TypeError("OOM when allocating tensor"),
    ],
)
def test_a_lack_of_memory_is_told_from_other_failures(error):
    class Failing:
        compiled = True

        def predict_on_batch(self, _: object) -> None:
            raise error

    with pytest.raises(OutOfMemoryError, match="Keras found no memory"):
        KerasEngine(Failing()).predict(TILES)


def test_too_little_memory_is_told_by_openvino(tiny_path):
    program = (
        "import resource, sys\n"
        "import numpy as np\n"
        "from pathlib import Path\n"
        "from napari_unet_nuclei.core.engines.engine import OpenVinoEngine\n"
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


def test_a_failing_runtime_says_so(tiny_bundle):
    engine = OpenVinoEngine(tiny_bundle)
    with pytest.raises(EngineError, match="OpenVINO failed"):
        engine.predict(np.zeros((1, 32, 32, 7), np.float32))
