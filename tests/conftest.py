"""For all tests: tensors here are small, and threads that wait for each other only take time."""

import torch

torch.set_num_threads(1)
