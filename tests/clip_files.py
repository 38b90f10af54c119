"""CLIP's tensors as OpenAI and Hugging Face publish them."""

import warnings
from pathlib import Path

import torch
from safetensors.torch import save_file


def hugging_face_names(state: dict) -> dict:
    """Name clip's tensors as transformers does, layer by layer, position_ids included."""
    renamed = {"logit_scale": state["logit_scale"]}
    for tower, prefix, norms in (
        ("vision_model", "visual.", {"ln_pre": "pre_layrnorm", "ln_post": "post_layernorm"}),
        ("text_model", "", {"ln_final": "final_layer_norm"}),
    ):
        positions = state[f"{prefix}positional_embedding"]
        renamed[f"{tower}.embeddings.position_embedding.weight"] = positions
        renamed[f"{tower}.embeddings.position_ids"] = torch.arange(len(positions))[None]
        for kind in ("weight", "bias"):
            for ours, theirs in norms.items():
                renamed[f"{tower}.{theirs}.{kind}"] = state[f"{prefix}{ours}.{kind}"]
            for layer in range(count_layers(state, prefix)):
                block = f"{prefix}transformer.resblocks.{layer}"
                into = f"{tower}.encoder.layers.{layer}"
                thirds = state[f"{block}.attn.in_proj_{kind}"].chunk(3)
                for part, tensor in zip("qkv", thirds, strict=True):
                    renamed[f"{into}.self_attn.{part}_proj.{kind}"] = tensor
                renamed[f"{into}.self_attn.out_proj.{kind}"] = state[f"{block}.attn.out_proj.{kind}"]
                renamed[f"{into}.layer_norm1.{kind}"] = state[f"{block}.ln_1.{kind}"]
                renamed[f"{into}.layer_norm2.{kind}"] = state[f"{block}.ln_2.{kind}"]
                renamed[f"{into}.mlp.fc1.{kind}"] = state[f"{block}.mlp.c_fc.{kind}"]
                renamed[f"{into}.mlp.fc2.{kind}"] = state[f"{block}.mlp.c_proj.{kind}"]
    renamed["vision_model.embeddings.class_embedding"] = state["visual.class_embedding"]
    renamed["vision_model.embeddings.patch_embedding.weight"] = state["visual.conv1.weight"]
    renamed["text_model.embeddings.token_embedding.weight"] = state["token_embedding.weight"]
    renamed["visual_projection.weight"] = state["visual.proj"].T
    renamed["text_projection.weight"] = state["text_projection"].T
    return renamed


def count_layers(state: dict, prefix: str) -> int:
    """Count a tower's layers."""
    return sum(name.startswith(f"{prefix}transformer.") and name.endswith("ln_1.bias") for name in state)


def save_torchscript(state: dict, path: Path, resolution: int = 32, vocabulary: int = 49408) -> None:
    """Save tensors as OpenAI does: an archive that holds a tree of modules and three facts as buffers."""
    root = torch.nn.Module()
    facts = {"input_resolution": resolution, "context_length": 77, "vocab_size": vocabulary}
    for name, tensor in ({key: torch.tensor(fact) for key, fact in facts.items()} | state).items():
        *parents, leaf = name.split(".")
        module = root
        for parent in parents:
            if parent not in module._modules:
                module.add_module(parent, torch.nn.Module())
            module = module._modules[parent]
        module.register_buffer(leaf, tensor)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)
        torch.jit.save(torch.jit.script(root), path)


def save_safetensors(state: dict, path: Path) -> None:
    save_file({name: tensor.contiguous() for name, tensor in state.items()}, path)
