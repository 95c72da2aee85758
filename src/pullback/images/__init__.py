"""Images: what networks of convolutions see of them."""
