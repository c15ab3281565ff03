"""What learns: TAO-Net, the published network, the light-curve forest, and their weights."""

#: Every kind of model, and the ending of its weights file.
SUFFIXES = {"taonet": ".safetensors", "taonet-paper": ".safetensors", "forest": ".skops"}
#: The model that answers where none is named.
DEFAULT_MODEL = "taonet"
