"""Networks with random weights: ArcFace's ResNet-50 where its weights are absent, and plain matrix products.

They cost what the real ones cost and mean nothing: no template of theirs is ever kept or compared.
"""

from itertools import pairwise

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

STAGES = ((3, 64), (4, 128), (14, 256), (3, 512))  # blocks and channels (Deng et al. 2019, the "IR-50")
SIDE, DIMENSION = 112, 512


class Sketch:
    """A network under construction; every method adds operators and names their output."""

    def __init__(self, seed: int = 0) -> None:
        self._rng = np.random.default_rng(seed)
        self._nodes: list[onnx.NodeProto] = []
        self._weights: list[onnx.TensorProto] = []

    def conv(self, source: str, *, inputs: int, outputs: int, kernel: int, stride: int = 1) -> str:
        """A convolution without bias, its weights such that values keep their spread (He et al. 2015)."""
        spread = np.sqrt(2 / (inputs * kernel**2))
        weight = self._weight(self._rng.normal(0, spread, (outputs, inputs, kernel, kernel)))
        pads = [kernel // 2] * 4
        return self._add("Conv", source, weight, kernel_shape=[kernel] * 2, pads=pads, strides=[stride] * 2)

    def norm(self, source: str, channels: int) -> str:
        ones, zeros = np.ones(channels), np.zeros(channels)
        return self._add("BatchNormalization", source, *map(self._weight, (ones, zeros, zeros, ones)))

    def bend(self, source: str, channels: int) -> str:
        return self._add("PRelu", source, self._weight(np.full((channels, 1, 1), 0.25)))

    def block(self, source: str, *, inputs: int, outputs: int, stride: int) -> str:
        """One residual block: norm, conv, norm, PRelu, conv, norm, and the way around."""
        inner = self.conv(self.norm(source, inputs), inputs=inputs, outputs=outputs, kernel=3)
        inner = self.bend(self.norm(inner, outputs), outputs)
        inner = self.norm(self.conv(inner, inputs=outputs, outputs=outputs, kernel=3, stride=stride), outputs)
        if stride > 1 or inputs != outputs:
            source = self.norm(self.conv(source, inputs=inputs, outputs=outputs, kernel=1, stride=stride), outputs)
        return self._add("Add", inner, source)

    def embedding(self, source: str, inputs: int) -> str:
        weight = self._weight(self._rng.normal(0, inputs**-0.5, (DIMENSION, inputs)))
        bias = self._weight(np.zeros(DIMENSION))
        flat = self._add("Gemm", self._add("Flatten", source), weight, bias, transB=1)
        return self.norm(flat, DIMENSION)

    def finish(self, output: str) -> bytes:
        """The network from `picture` (n, 3, SIDE, SIDE) to `output` (n, DIMENSION)."""
        value = helper.make_tensor_value_info
        picture = value("picture", TensorProto.FLOAT, ["batch", 3, SIDE, SIDE])
        graph = helper.make_graph(
            self._nodes, "stand-in", [picture], [value(output, TensorProto.FLOAT, ["batch", DIMENSION])], self._weights
        )
        return _written(graph)

    def _add(self, kind: str, *inputs: str, **settings: int | list[int]) -> str:
        output = f"v{len(self._nodes)}"
        self._nodes.append(helper.make_node(kind, inputs, [output], **settings))  # type: ignore[arg-type]
        return output

    def _weight(self, values: NDArray[np.float64]) -> str:
        name = f"w{len(self._weights)}"
        self._weights.append(numpy_helper.from_array(values.astype(np.float32), name))
        return name


def arcface(stages: tuple[tuple[int, int], ...] = STAGES) -> bytes:
    """The recogniser of buffalo_l and its like, 6.3 billion multiply-adds a face; fewer stages make a toy."""
    sketch, channels, side = Sketch(), stages[0][1], SIDE
    value = sketch.bend(sketch.norm(sketch.conv("picture", inputs=3, outputs=channels, kernel=3), channels), channels)
    for blocks, outputs in stages:
        for place in range(blocks):
            value = sketch.block(value, inputs=channels, outputs=outputs, stride=1 if place else 2)
            channels = outputs
        side //= 2
    return sketch.finish(sketch.embedding(sketch.norm(value, channels), channels * side**2))


def products(side: int, *, times: int) -> bytes:
    """`times` float16 products of (side, side) matrices, one after the other; values keep their spread."""
    rng = np.random.default_rng(0)
    weight = rng.normal(0, side**-0.5, (side, side)).astype(np.float16)
    names = [f"x{place}" for place in range(times + 1)]
    nodes = [helper.make_node("MatMul", [before, "w"], [after]) for before, after in pairwise(names)]
    ends = [helper.make_tensor_value_info(name, TensorProto.FLOAT16, [side, side]) for name in (names[0], names[-1])]
    return _written(helper.make_graph(nodes, "products", ends[:1], ends[1:], [numpy_helper.from_array(weight, "w")]))


def multiply_adds(network: bytes, height: int, width: int) -> int:
    """Multiplications of the convolutions and matrix products for one picture (n, 3, height, width)."""
    model = onnx.load_model_from_string(network)
    for dimension, length in zip(model.graph.input[0].type.tensor_type.shape.dim, (1, 3, height, width), strict=True):
        dimension.dim_value = length
    del model.graph.value_info[:]
    graph = onnx.shape_inference.infer_shapes(model, data_prop=True).graph
    shapes = {value.name: [d.dim_value for d in value.type.tensor_type.shape.dim] for value in graph.value_info}
    shapes |= {value.name: [d.dim_value for d in value.type.tensor_type.shape.dim] for value in graph.output}
    shapes |= {weight.name: list(weight.dims) for weight in graph.initializer}
    return sum(_multiply_adds(node, shapes) for node in graph.node)


def _multiply_adds(node: onnx.NodeProto, shapes: dict[str, list[int]]) -> int:
    if node.op_type == "Conv":
        return int(np.prod(shapes[node.output[0]]) * np.prod(shapes[node.input[1]][1:]))
    if node.op_type == "Gemm":
        return int(np.prod(shapes[node.input[1]]))
    if node.op_type == "MatMul":
        return int(np.prod(shapes[node.output[0]]) * shapes[node.input[1]][-2])
    return 0


def _written(graph: onnx.GraphProto) -> bytes:
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    written: bytes = model.SerializeToString()
    return written
