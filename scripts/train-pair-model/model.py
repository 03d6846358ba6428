"""The pair model as a torch module, read from its quantised ONNX file and written back into it. train.py imports it."""

import numpy as np
import onnx
import torch
import torch.nn.functional as F
from onnx import numpy_helper

LAYERS, HEADS, WIDTH = 6, 12, 384
# Each layer of the graph has six products with weights, numbered in this order.
PRODUCTS = (
    "attention.self.query",
    "attention.self.key",
    "attention.self.value",
    "attention.output.dense",
    "intermediate.dense",
    "output.dense",
)


class PairModel(torch.nn.Module):
    """Token numbers, segment numbers and masks [batch, length] in; the logits of "these ask the same" [batch] out.

    The embeddings stay as they are, because the file keeps each table with one scale. The weights of the products are trained as
    what eight bits make of them, so that nothing is lost when they are written.
    """

    def __init__(self, path):
        super().__init__()
        stored = {one.name: numpy_helper.to_array(one) for one in onnx.load(path).graph.initializer}
        self.products = product_names(stored)
        for table in ("word", "position", "token_type"):
            self.register_buffer(f"{table}_embeddings", dequantised(stored, f"embeddings.{table}_embeddings.weight"))
        self.weights = torch.nn.ParameterDict(
            {key_of(key): torch.nn.Parameter(dequantised(stored, name)) for key, name in self.products.items()}
        )
        self.vectors = torch.nn.ParameterDict(
            {
                key_of(name): torch.nn.Parameter(torch.tensor(np.array(value)))
                for name, value in stored.items()
                if value.dtype == np.float32 and value.ndim == 1 and not name.endswith("_scale")
            }
        )

    def forward(self, ids, segments, mask):
        batch, length = ids.shape
        x = self.word_embeddings[ids] + self.position_embeddings[:length] + self.token_type_embeddings[segments]
        x = self._drop(self._norm(x, "embeddings.LayerNorm"))
        seen = mask[:, None, None, :].bool()
        for layer in range(LAYERS):
            at = f"encoder.layer.{layer}"
            q, k, v = (
                self._dense(x, f"{at}.attention.self.{part}").view(batch, length, HEADS, -1).transpose(1, 2)
                for part in ("query", "key", "value")
            )
            read = F.scaled_dot_product_attention(q, k, v, attn_mask=seen).transpose(1, 2).reshape(batch, length, WIDTH)
            read = self._dense(read, f"{at}.attention.output.dense")
            x = self._norm(x + self._drop(read), f"{at}.attention.output.LayerNorm")
            wide = F.gelu(self._dense(x, f"{at}.intermediate.dense"))
            x = self._norm(x + self._drop(self._dense(wide, f"{at}.output.dense")), f"{at}.output.LayerNorm")
        share = mask[:, :, None].to(x.dtype)
        mean = (x * share).sum(1) / share.sum(1)
        inner = self._drop(torch.tanh(self._dense(mean, "hd_w", "hd_b")))
        return self._dense(inner, "ho_w", "ho_b")[:, 0]

    def _dense(self, x, key, bias=None):
        return x @ rounded(self.weights[key_of(key)]) + self.vectors[key_of(bias or f"{key}.bias")]

    def _norm(self, x, name):
        scale, shift = (self.vectors[key_of(f"{name}.{part}")] for part in ("weight", "bias"))
        return F.layer_norm(x, (WIDTH,), scale, shift, 1e-12)

    def _drop(self, x):
        return F.dropout(x, 0.1, self.training)

    def save(self, source, target):
        """Writes the file `source` with these weights in the place of its own."""
        fresh = {name: value.detach().numpy() for key, value in self.vectors.items() for name in [key.replace("/", ".")]}
        for key, name in self.products.items():
            weight = self.weights[key_of(key)].detach()
            scale = scale_of(weight)
            fresh[f"{name}_quantized"] = torch.round(weight / scale).clamp(-127, 127).to(torch.int8).numpy()
            fresh[f"{name}_scale"] = scale.numpy()
            fresh[f"{name}_zero_point"] = np.zeros(scale.shape, np.int8)
        model = onnx.load(source)
        for one in model.graph.initializer:
            if one.name in fresh:
                old = numpy_helper.to_array(one)
                new = fresh[one.name].reshape(old.shape).astype(old.dtype)
                one.CopyFrom(numpy_helper.from_array(new, one.name))
        onnx.save(model, target)


def key_of(name):
    """A name as a dictionary of parameters takes it: without dots."""
    return name.replace(".", "/")


def dequantised(stored, name):
    values = stored[f"{name}_quantized"].astype(np.float32) - stored[f"{name}_zero_point"].astype(np.float32)
    return torch.tensor(values * stored[f"{name}_scale"])


def scale_of(weight):
    """The step of eight bits for each column."""
    return weight.abs().amax(0).clamp_min(1e-9) / 127


def rounded(weight):
    """What the weight becomes in eight bits; the gradient passes as if it stayed."""
    fixed = weight.detach()
    scale = scale_of(fixed)
    return weight + (torch.round(fixed / scale) * scale - fixed)


def product_names(stored):
    """The file's name of each product's weight."""
    ending = "_quantized"
    numbered = [n[: -len(ending)] for n in stored if n.startswith("onnx::MatMul_") and n.endswith(ending)]
    numbered.sort(key=lambda name: int(name.split("_")[1]))
    if len(numbered) != LAYERS * len(PRODUCTS):
        raise ValueError(f"{len(numbered)} products, not those of six layers")
    inner = {f"encoder.layer.{i // len(PRODUCTS)}.{PRODUCTS[i % len(PRODUCTS)]}": n for i, n in enumerate(numbered)}
    return {**inner, "hd_w": "hd_w", "ho_w": "ho_w"}
