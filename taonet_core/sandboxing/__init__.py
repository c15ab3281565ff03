"""How untrusted bytes are read in a process of their own; `taonet_core.sandbox` is the way in."""
