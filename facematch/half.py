"""Writes a verified network anew for a card: 8-bit pictures in, float16 inside, float32 out. It never changes a file.

Three things differ from the file that a processor runs. Pictures travel as bytes, a quarter of what float32 would take,
and become numbers on the card. PRelu is one operator again, because a card pays for each (`repair` split it for
processors). And the operators in HALVED compute in float16, which is what tensor cores multiply; everything else, the
embedding layer and the detector's scores among it, stays in float32.
"""

from collections.abc import Iterator, MutableSequence
from typing import Any, TypeVar

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from facematch.bundle import Pixels

PICTURES = "pictures"  # the input of every network that is written here: (n, H, W, 3) uint8, blue-green-red
# Not Clip: its bounds vanish in float16 (EdgeFace keeps norms above 1e-12 with it, and then divides by them).
CONVOLVING = {"AveragePool", "Conv", "GlobalAveragePool", "LeakyRelu", "MatMul", "MaxPool", "PRelu", "Relu", "Resize"}
ADDING = {"Add", "Cast", "Mul", "Sub"}
MOVING = {"Concat", "Flatten", "Reshape", "Slice", "Split", "Squeeze", "Transpose", "Unsqueeze"}
HALVED = CONVOLVING | ADDING | MOVING
FOLLOWING = {"BatchNormalization"}  # in float16 between others, in float32 behind the embedding layer
FLOAT_ONLY_FROM = {"Resize": 1}  # inputs from here on are scales and regions, which the operator wants in float32

Array = NDArray[np.generic]
Weights = dict[str, NDArray[np.float32]]
Message = TypeVar("Message", onnx.NodeProto, onnx.TensorProto, onnx.ValueInfoProto)


def write_for_card(network: bytes, pixels: Pixels, *, half: bool = True) -> bytes:
    """The same network with input PICTURES, outputs as before (float32), and float16 inside where `half`."""
    model = onnx.load_model_from_string(network)
    graph = model.graph
    join_prelu(graph)
    fold_batch_norm(graph)
    take_pictures(graph, pixels)
    del graph.value_info[:]
    if half:
        _Halving(_types_of(model), graph).rewrite(graph)
    onnx.checker.check_model(model)
    written: bytes = model.SerializeToString()
    return written


def join_prelu(graph: onnx.GraphProto) -> None:
    """Undo `repair.split_prelu`, which leaves y = y_linear + y_bent, the latter bent by relu((1 - slope) x)."""
    weights, made = _weights_of(graph), _made_by(graph)
    nodes = []
    for node in graph.node:
        output = node.output[0]
        if node.op_type == "Add" and f"{output}_bent" in made and node.input[0] == f"{output}_linear":
            slope = np.float32(1) - weights[f"{output}_bent_in_factor"].reshape(-1, 1, 1)
            weights[f"{output}_slope"] = slope
            source = made[f"{output}_linear"].input[0]
            nodes.append(helper.make_node("PRelu", [source, f"{output}_slope"], [output]))
        else:
            nodes.append(node)
    _keep_needed(graph, nodes, weights)


def fold_batch_norm(graph: onnx.GraphProto) -> None:
    """Multiply a normalisation into the convolution before it, where there is one that nobody else reads.

    The rest keep their place but become factor * x + shift (mean 0, variance 1): a variance may vanish in float16.
    """
    weights, made = _weights_of(graph), _made_by(graph)
    readers = [name for node in graph.node for name in node.input]
    nodes, folded = [], {}
    for node in graph.node:
        conv = made.get(node.input[0]) if node.op_type == "BatchNormalization" else None
        if conv is not None and conv.op_type == "Conv" and readers.count(conv.output[0]) == 1:
            folded[conv.output[0]] = node
        else:
            nodes.append(node)
    mended = [
        _plain_norm(node, weights)
        if node.op_type == "BatchNormalization"
        else _with_norm(node, folded.get(node.output[0]), weights)
        for node in nodes
    ]
    _keep_needed(graph, mended, weights)


def take_pictures(graph: onnx.GraphProto, pixels: Pixels) -> None:
    """Put the way from bytes to numbers, (value - mean) * scale in the colour order, in front of the network."""
    name = graph.input[0].name
    steps: list[tuple[str, list[Array], dict[str, Any]]] = [("Transpose", [], {"perm": [0, 3, 1, 2]})]
    if pixels.colour == "rgb":
        steps.append(("Gather", [np.array([2, 1, 0], np.int64)], {"axis": 1}))
    steps.append(("Cast", [], {"to": TensorProto.FLOAT}))
    if pixels.mean != 0:
        steps.append(("Sub", [np.array(pixels.mean, np.float32)], {}))
    if pixels.scale != 1:
        steps.append(("Mul", [np.array(pixels.scale, np.float32)], {}))
    nodes, source = [], PICTURES
    for place, (kind, constants, settings) in enumerate(steps):
        names = [f"{PICTURES}_{kind}" for _ in constants]
        graph.initializer.extend(map(numpy_helper.from_array, constants, names))
        output = name if place + 1 == len(steps) else f"{PICTURES}_{place}"
        nodes.append(helper.make_node(kind, [source, *names], [output], **settings))
        source = output
    _replace(graph.node, [*nodes, *graph.node])
    picture = helper.make_tensor_value_info(PICTURES, TensorProto.UINT8, ["batch", "height", "width", 3])
    _replace(graph.input, [picture])


def _types_of(model: onnx.ModelProto) -> list[onnx.ValueInfoProto]:
    """Every value of the network with its type; weights count as inputs, so that none has to be copied."""
    graph = model.graph
    light = [weight for weight in graph.initializer if weight.data_type != TensorProto.FLOAT]
    heavy = [weight for weight in graph.initializer if weight.data_type == TensorProto.FLOAT]
    inputs = [*graph.input, *(helper.make_tensor_value_info(w.name, w.data_type, w.dims) for w in heavy)]
    bare = helper.make_graph(graph.node, graph.name, inputs, graph.output, light)
    imports = list(model.opset_import)
    typed = onnx.shape_inference.infer_shapes(
        helper.make_model(bare, opset_imports=imports, ir_version=max(4, model.ir_version))
    )
    return [*typed.graph.value_info, *typed.graph.input, *typed.graph.output]


class _Halving:
    """Rewrites one graph whose values have the given types."""

    def __init__(self, typed: list[onnx.ValueInfoProto], graph: onnx.GraphProto) -> None:
        self.floats = {value.name for value in typed if value.type.tensor_type.elem_type == TensorProto.FLOAT}
        self.weights = {weight.name: weight for weight in graph.initializer}
        self.promised = {value.name for value in graph.output}
        self.halved: set[str] = set()  # values that are computed in float16, under the name with _half
        self.cast: set[str] = set()  # names that a Cast or a halved weight already stands for

    def rewrite(self, graph: onnx.GraphProto) -> None:
        nodes: list[onnx.NodeProto] = []
        for node in list(graph.node):
            nodes += self._rewritten(node, graph)
        _keep_needed(graph, nodes, {})

    def _rewritten(self, node: onnx.NodeProto, graph: onnx.GraphProto) -> Iterator[onnx.NodeProto]:
        half = node.op_type in HALVED and any(name in self.floats for name in node.output)
        half |= node.op_type in FOLLOWING and node.input[0] in self.halved
        limit = FLOAT_ONLY_FROM.get(node.op_type, len(node.input)) if half else 0
        for place, name in enumerate(node.input):
            if name in self.floats and place < limit:
                yield from self._to_half(name, graph)
                node.input[place] = f"{name}_half"
            elif name in self.halved and node.op_type == "Shape":
                node.input[place] = f"{name}_half"  # has the same shape
            elif name in self.halved:
                yield from self._to_float(name)
        if half:
            self._halve_outputs(node)
        yield node
        for name in self.promised & self.halved - self.cast:
            yield from self._to_float(name)

    def _halve_outputs(self, node: onnx.NodeProto) -> None:
        for entry in node.attribute if node.op_type == "Cast" else ():
            entry.i = TensorProto.FLOAT16
        for place, name in enumerate(node.output):
            if name in self.floats:
                self.halved.add(name)
                node.output[place] = f"{name}_half"

    def _to_half(self, name: str, graph: onnx.GraphProto) -> Iterator[onnx.NodeProto]:
        if name in self.halved or f"{name}_half" in self.cast:
            return
        self.cast.add(f"{name}_half")
        if name in self.weights:
            values = numpy_helper.to_array(self.weights[name]).astype(np.float16)
            graph.initializer.append(numpy_helper.from_array(values, f"{name}_half"))
        else:
            yield helper.make_node("Cast", [name], [f"{name}_half"], to=TensorProto.FLOAT16)

    def _to_float(self, name: str) -> Iterator[onnx.NodeProto]:
        if name not in self.cast:
            self.cast.add(name)
            yield helper.make_node("Cast", [f"{name}_half"], [name], to=TensorProto.FLOAT)


def _with_norm(conv: onnx.NodeProto, norm: onnx.NodeProto | None, weights: Weights) -> onnx.NodeProto:
    """The convolution with the normalisation's factor and shift inside, or unchanged without one."""
    if norm is None:
        return conv
    factor, shift = _factor_and_shift(norm, weights)
    bias = weights[conv.input[2]] if len(conv.input) > 2 else np.zeros_like(shift)
    output, kernel = norm.output[0], weights[conv.input[1]]
    weights[f"{output}_kernel"] = (kernel * factor.reshape(-1, *[1] * (kernel.ndim - 1))).astype(np.float32)
    weights[f"{output}_bias"] = (bias * factor + shift).astype(np.float32)
    joined = helper.make_node("Conv", [conv.input[0], f"{output}_kernel", f"{output}_bias"], [output])
    joined.attribute.extend(conv.attribute)
    return joined


def _plain_norm(norm: onnx.NodeProto, weights: Weights) -> onnx.NodeProto:
    factor, shift = _factor_and_shift(norm, weights)
    output, epsilon = norm.output[0], 1e-5  # the least that cuDNN knows
    plain = {"factor": factor, "shift": shift, "zero": np.zeros_like(shift), "one": np.full_like(shift, 1 - epsilon)}
    weights |= {f"{output}_{name}": values.astype(np.float32) for name, values in plain.items()}
    names = [f"{output}_{name}" for name in plain]
    return helper.make_node("BatchNormalization", [norm.input[0], *names], [output], epsilon=epsilon)


def _factor_and_shift(norm: onnx.NodeProto, weights: Weights) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """scale * (x - mean) / sqrt(variance + epsilon) + shift, as factor * x + shift."""
    scale, shift, mean, variance = (weights[name].astype(np.float64) for name in norm.input[1:5])
    epsilon = next((entry.f for entry in norm.attribute if entry.name == "epsilon"), 1e-5)
    factor = scale / np.sqrt(variance + epsilon)
    return factor, shift - mean * factor


def _keep_needed(graph: onnx.GraphProto, nodes: list[onnx.NodeProto], added: Weights) -> None:
    """Make `nodes` the graph, without those that nobody reads, and with the weights that are read."""
    read = {value.name for value in graph.output}
    kept = []
    for node in reversed(nodes):
        if read & set(node.output):
            kept.append(node)
            read.update(node.input)
    _replace(graph.node, kept[::-1])
    for place in reversed([place for place, weight in enumerate(graph.initializer) if weight.name not in read]):
        del graph.initializer[place]
    known = {weight.name for weight in graph.initializer}
    wanted = {name: values for name, values in added.items() if name in read - known}
    graph.initializer.extend(numpy_helper.from_array(values, name) for name, values in wanted.items())


def _weights_of(graph: onnx.GraphProto) -> Weights:
    return {weight.name: numpy_helper.to_array(weight) for weight in graph.initializer}


def _made_by(graph: onnx.GraphProto) -> dict[str, onnx.NodeProto]:
    return {name: node for node in graph.node for name in node.output}


def _replace(field: MutableSequence[Message], values: list[Message]) -> None:
    kept = [type(value).FromString(value.SerializeToString()) for value in values]  # deleting empties the originals
    del field[:]
    field.extend(kept)
