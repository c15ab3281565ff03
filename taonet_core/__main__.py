"""``python -m taonet_core`` is ``taonet``."""

from taonet_core.cli import main

main()
