__version__ = "0.1.0"

import os

# Before PyTorch is loaded: threads that spin while they wait make a step take twenty times as long beside other work.
os.environ.setdefault('OMP_WAIT_POLICY', 'passive')
