"""GGUF files of the golden Llama and a few letters, as llama.cpp would write them."""

import gguf
import numpy as np

from tests.models import tiny

TEMPLATE = (
    "{% for m in messages %}<s>{{ m.role }} {{ m.content }}<e>{% endfor %}"
    "{% if add_generation_prompt %}<s>assistant {% endif %}"
)
LETTERS = "abcdefghijklmnopqrstuvwxyz\u0120\u010a0123456789.,:?!"  # space, newline
MERGED = ["th", "the", "\u0120the", "\u0120\u0120", "12"]
CONFIG = tiny.MODELS["llama"]["config"]
NAMES = {
    "input_layernorm": "attn_norm",
    "post_attention_layernorm": "ffn_norm",
    "self_attn.q_proj": "attn_q",
    "self_attn.k_proj": "attn_k",
    "self_attn.v_proj": "attn_v",
    "self_attn.o_proj": "attn_output",
    "mlp.gate_proj": "ffn_gate",
    "mlp.up_proj": "ffn_up",
    "mlp.down_proj": "ffn_down",
}
METADATA = {
    "llama.block_count": CONFIG["num_hidden_layers"],
    "llama.context_length": CONFIG["max_position_embeddings"],
    "llama.embedding_length": CONFIG["hidden_size"],
    "llama.feed_forward_length": CONFIG["intermediate_size"],
    "llama.attention.head_count": CONFIG["num_attention_heads"],
    "llama.attention.head_count_kv": CONFIG["num_key_value_heads"],
    "llama.attention.key_length": CONFIG["head_dim"],
    "llama.rope.dimension_count": CONFIG["head_dim"],
    "llama.rope.freq_base": CONFIG["rope_parameters"]["rope_theta"],
    "llama.attention.layer_norm_rms_epsilon": CONFIG["rms_norm_eps"],
    "tokenizer.ggml.model": "gpt2",
    "tokenizer.ggml.pre": "smollm",
    "tokenizer.ggml.tokens": ["<s>", "<e>", *LETTERS, *MERGED],
    "tokenizer.ggml.token_type": [3, 3] + [1] * (len(LETTERS) + len(MERGED)),
    "tokenizer.ggml.merges": ["t h", "th e", "\u0120 the", "\u0120 \u0120", "1 2"],
    "tokenizer.ggml.eos_token_id": 1,
    "tokenizer.chat_template": TEMPLATE,
}


def paired(rows, heads):
    """Rows of queries or keys as llama.cpp has them: those turned together adjacent."""
    first, second = np.split(rows.reshape(heads, -1, rows.shape[1]), 2, axis=1)
    return np.stack([first, second], axis=2).reshape(rows.shape)


def tensors():
    """The golden Llama under the names of GGUF."""
    heads = {
        "attn_q": CONFIG["num_attention_heads"],
        "attn_k": CONFIG["num_key_value_heads"],
    }
    arrays = {}
    for name, array in tiny.tensors("llama").items():
        parts = name.removesuffix(".weight").split(".")
        if parts[1] == "layers":
            kind = NAMES[".".join(parts[3:])]
            turned = paired(array, heads[kind]) if kind in heads else array
            arrays[f"blk.{parts[2]}.{kind}.weight"] = turned
        else:
            ours = {"embed_tokens": "token_embd", "norm": "output_norm"}[parts[1]]
            arrays[f"{ours}.weight"] = array
    return arrays


def write(path, metadata=(), arrays=(), architecture="llama"):
    """A file with these changes; None leaves a field or a tensor out."""
    writer = gguf.GGUFWriter(path, architecture)
    for key, value in (METADATA | dict(metadata)).items():
        if isinstance(value, list):
            writer.add_array(key, value)
        elif isinstance(value, str):
            writer.add_string(key, value)
        elif isinstance(value, float):
            writer.add_float32(key, value)
        elif value is not None:
            writer.add_uint32(key, value)
    for name, array in (tensors() | dict(arrays)).items():
        if array is not None:
            writer.add_tensor(name, np.ascontiguousarray(array))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path
