"""Configs of transformers 4 and 5 read alike; what is not supported is named."""

import dataclasses

import pytest

from rl_credit.models.config import DecoderConfig, RopeScaling
from tests.models import tiny

SMOLLM2 = {  # the keys that transformers 4 wrote for SmolLM2-135M
    "architectures": ["LlamaForCausalLM"],
    "attention_bias": False,
    "hidden_act": "silu",
    "hidden_size": 576,
    "intermediate_size": 1536,
    "max_position_embeddings": 8192,
    "mlp_bias": False,
    "model_type": "llama",
    "num_attention_heads": 9,
    "num_hidden_layers": 30,
    "num_key_value_heads": 3,
    "pretraining_tp": 1,
    "rms_norm_eps": 1e-05,
    "rope_interleaved": False,
    "rope_scaling": None,
    "rope_theta": 100000,
    "tie_word_embeddings": True,
    "torch_dtype": "bfloat16",
    "use_cache": True,
    "vocab_size": 49152,
}


def test_smollm2_as_transformers_4_wrote_it():
    assert DecoderConfig.from_huggingface(SMOLLM2) == DecoderConfig(
        family="llama",
        vocab=49152,
        width=576,
        layers=30,
        heads=9,
        kv_heads=3,
        head_dim=64,
        mlp_width=1536,
        positions=8192,
        rope_theta=100000.0,
        norm_epsilon=1e-5,
        tied=True,
    )


@pytest.mark.parametrize("name", tiny.NAMES)
def test_both_styles_of_rope_keys_and_our_own_read_alike(name):
    given = tiny.MODELS[name]["config"]
    config = DecoderConfig.from_huggingface(given)
    old = {key: value for key, value in given.items() if key != "rope_parameters"}
    scaling = dict(given["rope_parameters"])
    old["rope_theta"] = scaling.pop("rope_theta")
    kind = scaling.pop("rope_type")
    old["rope_scaling"] = None if kind == "default" else {"type": kind, **scaling}
    assert DecoderConfig.from_huggingface(old) == config
    assert DecoderConfig.from_huggingface(config.to_huggingface()) == config
    ours = config.to_huggingface()
    del ours["rope_parameters"]  # transformers 4 reads the other keys
    assert DecoderConfig.from_huggingface(ours) == config


def test_scalings_are_read_with_all_their_numbers():
    scalings = {
        name: DecoderConfig.from_huggingface(tiny.MODELS[name]["config"]).rope_scaling
        for name in ("llama", "llama3", "linear", "yarn")
    }
    assert scalings == {
        "llama": None,
        "llama3": RopeScaling("llama3", 8.0, positions=64, low=1.0, high=4.0),
        "linear": RopeScaling("linear", 4.0),
        "yarn": RopeScaling("yarn", 4.0, positions=64),
    }


def test_absent_keys_mean_what_transformers_takes_them_for():
    given = {k: v for k, v in SMOLLM2.items() if k != "num_key_value_heads"}
    assert DecoderConfig.from_huggingface(given).kv_heads == 9
    qwen3 = SMOLLM2 | {"model_type": "qwen3", "architectures": ["Qwen3ForCausalLM"]}
    assert DecoderConfig.from_huggingface(qwen3).head_dim == 128
    del given["tie_word_embeddings"], given["rope_theta"]
    config = DecoderConfig.from_huggingface(given)
    assert not config.tied and config.rope_theta == 10000.0


@pytest.mark.parametrize(
    "changes, message",
    [
        ({"model_type": "quen2"}, "model_type 'quen2'; did you mean 'qwen2'.*llama"),
        ({"model_type": None}, "unknown model_type None"),
        ({"architectures": ["LlamaForSequenceClassification"]}, "LlamaForCausalLM"),
        ({"hidden_size": None}, "lacks 'hidden_size'"),
        ({"hidden_act": "gelu"}, "hidden_act 'gelu' is not supported, only 'silu'"),
        ({"mlp_bias": True}, "mlp_bias True"),
        ({"use_sliding_window": True}, "use_sliding_window True"),
        ({"quantization_config": {"bits": 4}}, "quantization_config"),
        ({"layer_types": ["sliding_attention"]}, "sliding_attention"),
        ({"rope_scaling": {"type": "dynamic", "factor": 2.0}}, "rope_type 'dynamic'"),
        ({"rope_scaling": {"rope_type": "lama3"}}, "did you mean 'llama3'"),
        ({"rope_scaling": {"type": "linear"}}, "'linear' lacks 'factor'"),
        ({"rope_scaling": {"type": "llama3", "factor": 8.0}}, "low_freq_factor"),
        ({"rope_scaling": {"type": "yarn", "factor": 2.0, "mscale": 1.0}}, "mscale"),
        ({"rope_parameters": {"partial_rotary_factor": 0.5}}, "partial_rotary_factor"),
        ({"num_key_value_heads": 2}, "heads 9 must be a multiple of kv_heads 2"),
        ({"head_dim": 7}, "head_dim 7 must be even"),
        ({"num_hidden_layers": 0}, "layers is 0"),
    ],
)
def test_what_makes_no_decoder_of_ours_is_named(changes, message):
    with pytest.raises(ValueError, match=message):
        DecoderConfig.from_huggingface(SMOLLM2 | changes)


@pytest.mark.parametrize(
    "changes, message",
    [
        ({"dtype": "float16"}, "unknown dtype 'float16'.*bfloat16"),
        ({"attention": "flash"}, "unknown attention 'flash'.*cudnn"),
        ({"family": "qwen2"}, "attention_bias=True"),
    ],
)
def test_a_switch_of_ours_is_checked_too(changes, message):
    config = DecoderConfig.from_huggingface(SMOLLM2)
    with pytest.raises(ValueError, match=message):
        dataclasses.replace(config, **changes)


def test_an_unknown_scaling_is_named():
    with pytest.raises(ValueError, match="unknown rope scaling 'yaarn'.*'yarn'"):
        RopeScaling("yaarn", 2.0)
