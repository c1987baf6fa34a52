"""Encoders run by torch on a GPU instead of by ONNX Runtime on the CPU."""

from skerry.represent.gpu.encoder import load, on_device

__all__ = ["load", "on_device"]
