"""Other builds of ONNX Runtime than the installed one: in a folder laid over it, or in another Python."""
