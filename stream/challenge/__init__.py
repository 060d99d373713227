"""A challenger beside the learner: a process of its own that trains it, and has it follow and judged."""
