"""For all tests: what a busy machine must not decide, nor how the suite was started."""

import signal

import torch
from hypothesis import settings

# Tensors here are small, and threads that wait for each other only take time.
torch.set_num_threads(1)

settings.register_profile("headrace", deadline=None, max_examples=50)
settings.load_profile("headrace")

# A shell starts what runs in the background with Ctrl-C ignored, and commands under test would inherit that.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)
