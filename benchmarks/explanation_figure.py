"""Draw the example of ``docs/explanations.md``: one supernova, night by night, and by every method.

python benchmarks/explanation_figure.py
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import matplotlib
import numpy as np
import typer
from numpy.typing import NDArray

from taonet_core.explain import METHODS, aperture_radius, evidence_sentence, explain
from taonet_core.models.weights import load_model
from taonet_core.simulation.draw import draw_object
from taonet_core.transforms.preprocess import stack_nights

#: Pixels around the target that are drawn.
SIDE = 40


def main(
    seed: int = 987,
    index: Annotated[int, typer.Option(help="Number of the supernova.")] = 8,
    first: Annotated[int, typer.Option(help="First night drawn, from 0.")] = 4,
    model: str = "taonet",
    output: Path = Path("docs/images/explanations/methods.png"),
) -> None:
    """Draw nights, their evidence, and the sum over nights of every method."""
    matplotlib.use("Agg")
    from matplotlib import pyplot as plt

    sequence = draw_object("SN", visibility=1.0, seed=seed, index=index)
    bundle = load_model(model)
    images = stack_nights(sequence, bundle.preprocess).images
    found = {key: explain(sequence, bundle, target="SN", method=key) for key in METHODS}
    default = found[next(iter(METHODS))]
    radius, columns = aperture_radius(sequence), len(METHODS)
    figure, axes = plt.subplots(3, columns, figsize=(2 * columns, 6.6), layout="constrained")
    limit = float(np.abs(default.values[first : first + columns]).max())
    for column in range(columns):
        night = first + column
        panel(axes[0, column], np.arcsinh(images[night]), "gray", (-1.5, 4.0), radius)
        axes[0, column].set_title(f"MJD {default.times[night]:.1f}", fontsize=9)
        panel(axes[1, column], default.values[night], "RdBu_r", (-limit, limit), radius)
        axes[1, column].set_title(f"{default.per_night[night]:+.2f}", fontsize=9)
    for axis, (key, attribution) in zip(axes[2], found.items(), strict=True):
        total = attribution.values.sum(0)
        bound = float(np.abs(total).max()) or 1.0
        panel(axis, total, "RdBu_r", (-bound, bound), radius)
        axis.set_title(METHODS[key].name, fontsize=9)
    axes[0, 0].set_ylabel("images")
    axes[1, 0].set_ylabel("evidence for SN")
    axes[2, 0].set_ylabel("all nights, by method")
    output.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(output, dpi=80)
    plt.close(figure)
    typer.echo(evidence_sentence(default, sequence))


def panel(
    axis: Any, image: NDArray[np.floating], colours: str, limits: tuple[float, float], radius: float
) -> None:
    """Draw the surroundings of the target, and the circle of two FWHM around it."""
    middle = image.shape[0] // 2
    cut = slice(middle - SIDE // 2, middle + SIDE // 2)
    axis.imshow(image[cut, cut], origin="lower", cmap=colours, vmin=limits[0], vmax=limits[1])
    turn = np.linspace(0, 2 * np.pi, 60)
    place = SIDE // 2 + radius * np.array([np.cos(turn), np.sin(turn)])
    axis.plot(*place, color="#E69F00", linewidth=0.8)
    axis.set(xticks=[], yticks=[])


if __name__ == "__main__":
    typer.run(main)
