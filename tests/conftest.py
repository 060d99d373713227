"""For all tests: what a busy machine must not decide."""

import torch
from hypothesis import settings

# Tensors here are small, and threads that wait for each other only take time.
torch.set_num_threads(1)

settings.register_profile("headrace", deadline=None, max_examples=50)
settings.load_profile("headrace")
