"""Runs in an environment of its own, beside the `openwakeword` package: sound in, that package's scores out.

    python upstream.py SOUND.npz SCORES.npz FEATURE_MODELS_FOLDER WORD.tflite ...

Both files hold one array a scene, under the same name: int16 samples at 16 kHz; scores of shape (steps, words).
"""

import importlib
import sys
import types
from pathlib import Path

import numpy as np

STEP_FRAMES = 1280


def stand_in(name: str, *names: str) -> None:
    """Let an import succeed whose module is not used for scoring, but which the package imports as it loads."""
    module = types.ModuleType(name)
    module.__dict__.update(dict.fromkeys(names))
    sys.modules[name] = module


def upstream_model(features: Path, words: list[str]):
    """The package's Model: on the LiteRT that is maintained, and on no more of its dependencies than it needs."""
    sys.modules["tflite_runtime"] = importlib.import_module("ai_edge_litert")
    sys.modules["tflite_runtime.interpreter"] = importlib.import_module("ai_edge_litert.interpreter")
    stand_in("onnxruntime")
    stand_in("scipy")
    stand_in("sklearn")
    stand_in("sklearn.linear_model", "LogisticRegression")
    stand_in("sklearn.pipeline", "make_pipeline")
    stand_in("sklearn.preprocessing", "FunctionTransformer", "StandardScaler")
    return importlib.import_module("openwakeword").Model(
        wakeword_models=words,
        inference_framework="tflite",
        melspec_model_path=str(features / "melspectrogram.tflite"),
        embedding_model_path=str(features / "embedding_model.tflite"),
    )


def main(sound_file: str, scores_file: str, features: str, *words: str) -> None:
    """Score every scene from a fresh start."""
    model = upstream_model(Path(features), list(words))
    names = [Path(word).stem for word in words]
    scores = {}
    with np.load(sound_file) as scenes:
        for scene in scenes.files:
            # The package fills its history with noise of the global generator, which nothing seeds.
            np.random.seed(0)  # noqa: NPY002
            model.reset()
            steps = scenes[scene][: len(scenes[scene]) // STEP_FRAMES * STEP_FRAMES].reshape(-1, STEP_FRAMES)
            rows = [model.predict(step) for step in steps]
            scores[scene] = np.array([[row[name] for name in names] for row in rows], np.float32)
    np.savez_compressed(scores_file, **scores)


if __name__ == "__main__":
    main(*sys.argv[1:])
