from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import h5py
import keras
import numpy as np
import pytest
from keras import layers

from napari_unet_nuclei.core.conversion.importing import import_model
from napari_unet_nuclei.core.engines.openvino import OpenVinoEngine
from napari_unet_nuclei.core.errors import ModelError, SettingsError
from napari_unet_nuclei.core.models.bundle import read_bundle, write_bundle
from napari_unet_nuclei.core.networks.bundling import restore_model

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

rng = np.random.default_rng(0)
PIXELS = rng.random((1, 32, 48, 3), np.float32)
GREY = np.repeat(PIXELS[..., :1], 3, axis=-1)


@pytest.fixture(autouse=True)
def _names_from_one() -> None:
    """Count layers from one again, as in the session that made a file."""
    keras.backend.clear_session()


def mean_iou(y_true: Any, y_pred: Any) -> Any:
    """Stand for the metrics that people write themselves."""
    return keras.ops.mean(y_true * y_pred)


def finish(network: keras.Model) -> keras.Model:
    """Give every weight something to do, and compile as people did."""
    network.set_weights(
        [
            rng.uniform(0.5, 1.5, weight.shape)
            if weight.name in ("gamma", "moving_variance")
            else rng.normal(0, 0.3, weight.shape)
            for weight in network.weights
        ]
    )
    network.compile("adam", "binary_crossentropy", metrics=[mean_iou])
    return network


def starter(height: int | None = 32, width: int | None = 48) -> keras.Model:
    """Code that scales the image, ELU, dropout, transposed convolutions."""
    image = keras.Input((height, width, 3))
    x = layers.Lambda(lambda pixels: pixels / 255)(image)
    skips = []
    for filters in (4, 8):
        x = layers.Conv2D(filters, 3, activation="elu", padding="same")(x)
        x = layers.Dropout(0.1)(x)
        x = layers.Conv2D(filters, 3, activation="elu", padding="same")(x)
        skips.append(x)
        x = layers.MaxPooling2D(2)(x)
    for filters, skip in zip((8, 4), reversed(skips), strict=True):
        x = layers.Conv2DTranspose(filters, 2, strides=2, padding="same")(x)
        x = layers.Concatenate(axis=3)([x, skip])
        x = layers.Conv2D(filters, 3, activation="elu", padding="same")(x)
    return finish(keras.Model(image, layers.Conv2D(1, 1, activation="sigmoid")(x)))


def membranes() -> keras.Model:
    """Grey images, repeated pixels, an even kernel."""
    image = keras.Input((32, 48, 1))
    skip = layers.Conv2D(4, 3, activation="relu", padding="same")(image)
    x = layers.MaxPooling2D((2, 2))(skip)
    x = layers.Conv2D(8, 3, activation="relu", padding="same")(x)
    x = layers.Dropout(0.5)(x)
    x = layers.UpSampling2D((2, 2))(x)
    x = layers.Conv2D(4, 2, activation="relu", padding="same")(x)
    x = layers.concatenate([skip, x])
    x = layers.Conv2D(2, 3, activation="relu", padding="same")(x)
    return finish(keras.Model(image, layers.Conv2D(1, 1, activation="sigmoid")(x)))


def normalised() -> keras.Model:
    """Batch normalisation, residuals, bilinear interpolation, a layer of its own."""
    image = keras.Input((None, None, 3))
    x = layers.Rescaling(1 / 255)(image)
    x = layers.Conv2D(4, 3, padding="same", use_bias=False)(x)
    x = layers.BatchNormalization()(x)
    skip = x = layers.LeakyReLU(negative_slope=0.1)(x)
    x = layers.AveragePooling2D(2)(x)
    x = layers.Conv2D(4, 3, padding="same", activation="swish")(x)
    x = layers.BatchNormalization(scale=False, epsilon=1e-4)(x)
    x = layers.UpSampling2D(2, interpolation="bilinear")(x)
    x = layers.Add()([x, skip])
    x = layers.SpatialDropout2D(0.2)(x)
    x = layers.Conv2D(1, 1)(x)
    return finish(keras.Model(image, layers.Activation("sigmoid")(x)))


def chain() -> keras.Model:
    """A Sequential, for images in [0, 1]."""
    network = keras.Sequential(
        [
            keras.Input((32, 48, 3)),
            layers.ZeroPadding2D(1),
            layers.Conv2D(4, 3),
            layers.ReLU(max_value=6),
            layers.Conv2D(1, 1, activation="sigmoid"),
        ]
    )
    return finish(network)


ANCESTORS = [
    (starter, 255.0, PIXELS),
    (membranes, 1.0, GREY),
    (normalised, 255.0, PIXELS),
    (chain, 1.0, PIXELS),
]


def predict(network: keras.Model, pixels: np.ndarray) -> np.ndarray:
    return np.asarray(keras.ops.convert_to_numpy(network(pixels, training=False)))


def save(network: keras.Model, path: Path) -> Path:
    network.save(path)
    return path


@pytest.mark.parametrize("suffix", ["keras", "h5"])
@pytest.mark.parametrize(
    ("make", "brightest", "pixels"),
    ANCESTORS,
    ids=lambda value: getattr(value, "__name__", ""),
)
@pytest.mark.usefixtures("without_openvino")
def test_an_imported_network_gives_the_same_map(
    make: Any, brightest: Any, pixels: NDArray[Any], suffix: str, tmp_path: Path
) -> None:
    original = make()
    path = save(original, tmp_path / f"unet.{suffix}")
    bundle = import_model(path).bundle
    assert bundle.name == "unet"
    assert bundle.config.maps == ("foreground",)
    expected = predict(original, brightest * pixels[..., : original.input_shape[-1]])
    assert expected.std() > 0.01
    maps = predict(restore_model(bundle), pixels)
    np.testing.assert_allclose(maps, expected, atol=1e-4)


def test_an_imported_network_is_a_model_like_any_other(tmp_path: Path) -> None:
    original = starter()
    imported = import_model(save(original, tmp_path / "unet.h5"), diameter=12.5)
    path = tmp_path / "unet.unetnuclei"
    write_bundle(path, imported.bundle)
    bundle = read_bundle(path)
    assert bundle.config.architecture == "imported"
    assert bundle.config.diameter == 12.5
    assert (bundle.config.stride, bundle.config.margin) == (4, 18)
    assert bundle.config.provenance["imported"] == "unet.h5"
    assert bundle.config.provenance["notes"] == list(imported.notes)
    any_size = starter(None, None)
    any_size.set_weights(original.get_weights())
    for pixels in PIXELS, PIXELS[:, :16, :20]:
        expected = predict(any_size, 255 * pixels)
        maps = OpenVinoEngine(bundle).predict(pixels)
        # Half precision, and bfloat16 where the processor has it.
        np.testing.assert_allclose(maps, expected, atol=0.05)


@pytest.mark.parametrize("suffix", ["keras", "h5"])
def test_code_in_a_file_is_never_run(
    tmp_path: Path, suffix: str, without_openvino: Any
) -> None:
    trace = tmp_path / "executed"
    name = str(trace)

    def scale(pixels: Any) -> Any:
        open(name, "w").close()
        return pixels / 255

    image = keras.Input((64, 64, 3))
    x = layers.Lambda(scale, name="scale")(image)
    network = keras.Model(image, layers.Conv2D(1, 1, activation="sigmoid")(x))
    path = save(network, tmp_path / f"unet.{suffix}")
    trace.unlink()
    imported = import_model(path)
    restore_model(imported.bundle)
    assert not trace.exists()
    assert "The layer 'scale' is code, which is never run" in imported.notes[0]
    assert "taken to have been 255" in imported.notes[1]


@pytest.mark.parametrize(
    ("brightest", "scale"), [(None, 1.0), (255, 255.0), (65535, 65535.0)]
)
def test_who_knows_what_the_network_was_given_may_say_so(
    tmp_path: Path, without_openvino: Any, brightest: Any, scale: Any
) -> None:
    original = chain()
    imported = import_model(save(original, tmp_path / "a.keras"), brightest=brightest)
    expected = predict(original, scale * PIXELS)
    maps = predict(restore_model(imported.bundle), PIXELS)
    np.testing.assert_allclose(maps, expected, atol=1e-4)
    assert any("taken to have been 1" in note for note in imported.notes) == (
        brightest is None
    )


@pytest.mark.parametrize("name", ["diameter", "brightest"])
@pytest.mark.parametrize("value", [0, -1, float("nan"), float("inf")])
def test_sizes_and_intensities_are_positive(
    tmp_path: Path, name: Any, value: Any
) -> None:
    with pytest.raises(SettingsError, match=f"{name}.* must be positive. Received: "):
        import_model(tmp_path / "a.h5", **{name: value})


def odd_networks() -> dict[str, tuple[Any, str]]:
    """Networks that are refused, as layers after the first convolution, and why."""
    one = layers.Conv2D
    return {
        "late code": (
            lambda x: one(1, 1, activation="sigmoid")(
                layers.Lambda(lambda y: y * 2)(x)
            ),
            "'lambda' is no such: 'Lambda' is none of the layers",
        ),
        "flat": (
            lambda x: layers.Dense(1, activation="sigmoid")(layers.Flatten()(x)),
            "'flatten' is no such: 'Flatten' is none of the layers",
        ),
        "nested": (
            lambda x: one(1, 1, activation="sigmoid")(
                keras.Sequential([one(4, 1)], name="inside")(x)
            ),
            "'inside' is no layer but keras.Sequential",
        ),
        "operation": (
            lambda x: one(1, 1, activation="sigmoid")(x + 1),
            "'add' is no layer but keras.*Add",
        ),
        "dilated": (
            lambda x: one(1, 3, dilation_rate=2, padding="same", activation="sigmoid")(
                x
            ),
            r"has dilation_rate=\[2, 2\]",
        ),
        "groups": (
            lambda x: one(1, 1, activation="sigmoid")(one(4, 1, groups=2)(x)),
            "has groups=2",
        ),
        "joined along y": (
            lambda x: one(1, 1, activation="sigmoid")(
                layers.Concatenate(axis=1)([x, x])
            ),
            "has axis=1",
        ),
        "two maps": (
            lambda x: one(2, 1, activation="sigmoid")(x),
            r"becomes maps of shape \(16, 24, 2\)",
        ),
        "no sigmoid": (lambda x: one(1, 1, name="end")(x), "'end', is no sigmoid"),
        "pooled sigmoid": (
            lambda x: layers.MaxPooling2D(1, name="end")(
                one(1, 1, activation="sigmoid")(x)
            ),
            "'end', is no sigmoid",
        ),
        "softmax": (
            lambda x: one(2, 1, activation="softmax")(x),
            "activation of Conv2D must be one of",
        ),
        "smaller": (
            lambda x: one(1, 3, activation="sigmoid")(x),
            r"becomes maps of shape \(14, 22, 1\)",
        ),
        "halved": (
            lambda x: one(1, 1, strides=2, activation="sigmoid")(x),
            r"\(32, 48\) becomes maps of shape \(16, 24, 1\)",
        ),
        "too deep": (lambda x: sink(x, 11), "stride must lie between 1 and 1024"),
        "infinite": (
            lambda x: one(
                1,
                1,
                activation="sigmoid",
                kernel_initializer=keras.initializers.Constant(1e6),
            )(x),
            "conv2d/kernel' is not finite or too large",
        ),
    }


def sink(x: Any, depth: int) -> Any:
    for _ in range(depth):
        x = layers.MaxPooling2D(2, padding="same")(x)
    for _ in range(depth):
        x = layers.UpSampling2D(2)(x)
    return layers.Conv2D(1, 1, activation="sigmoid")(x)


@pytest.mark.parametrize("name", odd_networks())
@pytest.mark.usefixtures("without_openvino")
def test_networks_of_other_kinds_are_refused(tmp_path: Path, name: Any) -> None:
    build, reason = odd_networks()[name]
    image = keras.Input((64, 64, 3))
    x = layers.Conv2D(4, 3, padding="same")(image)
    path = save(keras.Model(image, build(x)), tmp_path / "odd.keras")
    sentence = (
        rf"from images of any size to one sigmoid map.*odd\.keras, where .*{reason}"
    )
    with pytest.raises(ModelError, match=sentence):
        import_model(path)


@pytest.mark.parametrize("shape", [(64, 64, 4), (64, 64, 2)])
def test_images_have_one_channel_or_three(tmp_path: Path, shape: Any) -> None:
    image = keras.Input(shape)
    network = keras.Model(image, layers.Conv2D(1, 1, activation="sigmoid")(image))
    path = save(network, tmp_path / "odd.keras")
    with pytest.raises(ModelError, match="n_channels must be 1 or 3"):
        import_model(path)


def test_two_images_are_one_too_many(tmp_path: Path) -> None:
    images = [keras.Input((64, 64, 3)) for _ in range(2)]
    x = layers.Concatenate()(images)
    network = keras.Model(images, layers.Conv2D(1, 1, activation="sigmoid")(x))
    path = save(network, tmp_path / "odd.keras")
    with pytest.raises(ModelError, match="the network has more than one input"):
        import_model(path)


@pytest.mark.parametrize("change", ["missing", "other shape"])
def test_weights_must_belong_to_the_network(tmp_path: Path, change: Any) -> None:
    path = save(chain(), tmp_path / "odd.h5")
    with h5py.File(path, "a") as file:
        (group,) = (g for n, g in file["model_weights"].items() if n == "conv2d_1")
        if change == "missing":
            del group.attrs["weight_names"]
        else:
            name = group.attrs["weight_names"][0]
            del group[name]
            group[name] = np.zeros((1, 1, 5, 1), "f4")
    with pytest.raises(
        ModelError, match=r"'conv2d_1' needs weights of shapes \[\(1, 1"
    ):
        import_model(path)


@pytest.mark.parametrize(
    "config",
    [
        {"class_name": "Functional", "config": {"layers": [], "output_layers": []}},
        {"class_name": "Functional", "config": None},
        {"class_name": "Sequential", "config": {"layers": [{"class_name": "Conv2D"}]}},
        {"class_name": "os.system", "config": {"layers": []}},
        [],
    ],
    ids=str,
)
def test_strange_descriptions_are_refused(tmp_path: Path, config: Any) -> None:
    path = save(chain(), tmp_path / "odd.h5")
    with h5py.File(path, "a") as file:
        file.attrs["model_config"] = json.dumps(config)
    with pytest.raises(ModelError, match=r"odd\.h5, where "):
        import_model(path)
