"""What learns: TAO-Net, the published network, the light-curve forest, and their weights."""
