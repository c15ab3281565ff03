"""What learns: TAO-Net, the published network, two light-curve classifiers, and their weights."""

#: Every kind of model, and the ending of its weights file.
SUFFIXES = {
    "taonet": ".safetensors",
    "taonet-paper": ".safetensors",
    "forest": ".skops",
    "boosting": ".skops",
}
#: The kinds that read light curves; the others read images.
CURVE_KINDS = ("forest", "boosting")
#: The model that answers where none is named.
DEFAULT_MODEL = "taonet"
