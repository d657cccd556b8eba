"""`make gpu`: what needs a GPU. Runs with torch, numpy and safetensors alone."""

from __future__ import annotations

import sys

import torch

from benchmarks.training import training


def main() -> None:
    if not torch.cuda.is_available():
        sys.exit("no GPU that torch can use on this machine")
    training("cuda")


if __name__ == "__main__":
    main()
