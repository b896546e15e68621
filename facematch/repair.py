"""Mends published weight files so that they run well: graph surgery with equal results. It never guesses a weight.

Each step is a pure function of the graph. The bytes before and after are pinned in bundle.toml, so a release of
onnx that writes another byte sequence is noticed and refused instead of silently making another contract.
"""

from collections.abc import Callable, Iterable, MutableSequence
from typing import TypeVar

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import helper, numpy_helper, version_converter

from facematch.errors import BundleInvalid

VERSION: str = onnx.__version__

Part = TypeVar("Part")
Weights = dict[str, NDArray[np.generic]]

LAYER_NORM = (0, 0, 1, 0, 0, 0, 0, 1)  # which input leads back from the last node of a layer normalisation to its first


def mend(published: bytes, steps: Iterable[str]) -> bytes:
    """Apply the named steps in order to one ONNX file and return the mended file.

    Raises BundleInvalid for a step that does not exist.
    """
    model = onnx.load_model_from_string(published)
    for step in steps:
        if step not in STEPS:
            raise BundleInvalid(problem=f"repair step {step!r} does not exist")
        model = STEPS[step](model)
    onnx.checker.check_model(model)
    mended: bytes = model.SerializeToString(deterministic=True)
    return mended


def drop_weight_inputs(graph: onnx.GraphProto) -> None:
    """List only pictures as inputs: a weight that is an input too may be overridden, so nothing is folded into it."""
    weights = {weight.name for weight in graph.initializer}
    wanted = {name for node in graph.node for name in node.input} - weights
    _replace(graph.input, [value for value in graph.input if value.name in wanted])


def fold_constants(graph: onnx.GraphProto) -> None:
    """Compute once what int8 files compute at every run: weights in float from their blocks.

    onnxruntime refuses block scales on vectors (YuNet's biases); once folded there is nothing to refuse.
    """
    weights = _weights_of(graph)
    left = []
    for node in graph.node:
        if node.op_type in FOLDS and all(name in weights for name in node.input):
            weights[node.output[0]] = FOLDS[node.op_type](node, [weights[name] for name in node.input])
        else:
            left.append(node)
    _replace(graph.node, left)
    used = {name for node in left for name in node.input}
    _replace(graph.initializer, [numpy_helper.from_array(weights[name], name) for name in weights if name in used])


def free_batch(graph: onnx.GraphProto) -> None:
    """Let any number of pictures in: leading axis free, and Reshape keeps it (0) instead of fixing it to 1."""
    for value in [*graph.input, *graph.output]:
        value.type.tensor_type.shape.dim[0].dim_param = "batch"
    shapes = {node.input[1] for node in graph.node if node.op_type == "Reshape"}
    for weight in graph.initializer:
        if weight.name in shapes and numpy_helper.to_array(weight)[0] == 1:
            kept = numpy_helper.to_array(weight).copy()
            kept[0] = 0
            weight.CopyFrom(numpy_helper.from_array(kept, weight.name))
    _replace(graph.value_info, [])


def free_size(graph: onnx.GraphProto) -> None:
    """Let pictures of any height and width in; the number of anchors follows."""
    for value in graph.input:
        _, _, height, width = value.type.tensor_type.shape.dim
        height.dim_param, width.dim_param = "height", "width"
    for value in graph.output:
        value.type.tensor_type.shape.dim[1].dim_param = f"anchors_{value.name}"
    _replace(graph.value_info, [])


def split_prelu(graph: onnx.GraphProto) -> None:
    """Write PRelu as two 1x1 depthwise convolutions, which run in the blocked layout where PRelu does not.

    With slope a <= 1, PRelu(x) = a x + relu((1 - a) x); with a > 1, PRelu(x) = x - relu((1 - a) x).
    On AVX-512 this takes SFace from 31 to 11 ms a face; cosine to the published graph 1.000000.
    """
    weights = _weights_of(graph)
    nodes = []
    for node in graph.node:
        if node.op_type == "PRelu":
            nodes += _prelu_as_convolutions(node, weights)
        else:
            nodes.append(node)
    used = {name for node in nodes for name in node.input}
    _replace(graph.node, nodes)
    _replace(graph.initializer, [numpy_helper.from_array(weights[name], name) for name in weights if name in used])


def raise_version(model: onnx.ModelProto) -> onnx.ModelProto:
    """The same network in the operators of ONNX 17, the first that know LayerNormalization."""
    return version_converter.convert_version(model, 17)


def fuse_layer_norm(graph: onnx.GraphProto) -> None:
    """Write the nine nodes of a layer normalisation as the one operator, same formula; the version must be raised.

    Left apart, onnxruntime's own fusion misses those that stand behind a Transpose. This takes EdgeFace-S from 12.8 to
    8.7 ms a face, in batches from 7.9 to 6.6; cosine to the published graph 1.000000.
    """
    weights = _weights_of(graph)
    made = {name: node for node in graph.node for name in node.output}
    nodes = [_layer_norm(node, made, weights) or node for node in graph.node]
    _replace(graph.node, _needed(nodes, {output.name for output in graph.output}))
    _replace(graph.value_info, [])


def _layer_norm(last: onnx.NodeProto, made: dict[str, onnx.NodeProto], weights: Weights) -> onnx.NodeProto | None:
    """The operator for the Add that ends (x - mean) / sqrt(variance + epsilon) * factor + shift; None for another."""
    path = [last]
    for place in LAYER_NORM:
        before = made.get(path[-1].input[place]) if len(path[-1].input) > place else None
        if before is None:
            return None
        path.append(before)
    kinds = [node.op_type for node in path]
    if kinds != ["Add", "Mul", "Div", "Sqrt", "Add", "ReduceMean", "Pow", "Sub", "ReduceMean"]:
        return None
    settings = {entry.name: helper.get_attribute_value(entry) for entry in path[-1].attribute}
    epsilon, factor, shift = (path[place].input[1] for place in (4, 1, 0))
    if settings["axes"] != [-1] or not {factor, shift} <= weights.keys():
        return None
    return helper.make_node(
        "LayerNormalization",
        [path[-1].input[0], factor, shift],
        [last.output[0]],
        axis=-1,
        epsilon=weights[epsilon].item(),
    )


def _needed(nodes: list[onnx.NodeProto], wanted: set[str]) -> list[onnx.NodeProto]:
    """Those that something wanted is made from."""
    kept = []
    for node in reversed(nodes):
        if wanted & set(node.output):
            wanted |= set(node.input)
            kept.append(node)
    return kept[::-1]


def _prelu_as_convolutions(node: onnx.NodeProto, weights: Weights) -> list[onnx.NodeProto]:
    source, output = node.input[0], node.output[0]
    slope = weights[node.input[1]].astype(np.float32).reshape(-1, 1, 1, 1)
    steep = slope > 1
    bent, linear = f"{output}_bent", f"{output}_linear"
    nodes = [
        _per_channel(source, f"{bent}_in", factor=np.float32(1) - slope, weights=weights),
        helper.make_node("Relu", [f"{bent}_in"], [bent]),
        _per_channel(source, linear, factor=np.where(steep, np.float32(1), slope), weights=weights),
    ]
    if steep.any():
        sign = np.where(steep, np.float32(-1), np.float32(1))
        nodes.append(_per_channel(bent, f"{bent}_signed", factor=sign, weights=weights))
        bent = f"{bent}_signed"
    return [*nodes, helper.make_node("Add", [linear, bent], [output])]


def _per_channel(source: str, output: str, *, factor: NDArray[np.float32], weights: Weights) -> onnx.NodeProto:
    weights[f"{output}_factor"] = factor
    return helper.make_node("Conv", [source, f"{output}_factor"], [output], group=len(factor), kernel_shape=[1, 1])


def _dequantise(node: onnx.NodeProto, inputs: list[NDArray[np.generic]]) -> NDArray[np.generic]:
    """(x - zero) * scale, scale and zero repeated along `axis` in blocks (ONNX DequantizeLinear 21)."""
    settings = {entry.name: helper.get_attribute_value(entry) for entry in node.attribute}
    codes, scale, zero = inputs
    axis, block = settings["axis"], settings["block_size"]
    everywhere = [np.arange(length) for length in codes.shape]
    everywhere[axis] //= block
    blocks = np.ix_(*everywhere)
    centred = codes.astype(np.int32) - zero[blocks].astype(np.int32)
    return np.asarray(centred.astype(np.float32) * scale[blocks].astype(np.float32), dtype=np.float32)


def _reshape(_node: onnx.NodeProto, inputs: list[NDArray[np.generic]]) -> NDArray[np.generic]:
    return inputs[0].reshape([int(length) for length in inputs[1].tolist()])


def _weights_of(graph: onnx.GraphProto) -> Weights:
    return {weight.name: numpy_helper.to_array(weight) for weight in graph.initializer}


def _replace(field: MutableSequence[Part], values: list[Part]) -> None:
    del field[:]
    field.extend(values)


FOLDS: dict[str, Callable[[onnx.NodeProto, list[NDArray[np.generic]]], NDArray[np.generic]]] = {
    "DequantizeLinear": _dequantise,
    "Reshape": _reshape,
}


def _within(step: Callable[[onnx.GraphProto], None]) -> Callable[[onnx.ModelProto], onnx.ModelProto]:
    def mended(model: onnx.ModelProto) -> onnx.ModelProto:
        step(model.graph)
        return model

    return mended


STEPS: dict[str, Callable[[onnx.ModelProto], onnx.ModelProto]] = {
    "drop-weight-inputs": _within(drop_weight_inputs),
    "fold-constants": _within(fold_constants),
    "free-batch": _within(free_batch),
    "free-size": _within(free_size),
    "fuse-layer-norm": _within(fuse_layer_norm),
    "raise-version": raise_version,
    "split-prelu": _within(split_prelu),
}
