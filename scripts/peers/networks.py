"""Networks of PyTorch's libraries that several peers' programs make, with random weights that tell something."""

import sys
import types

import torch

# torchvision's compiled operators may belong to another build of torch; its video models need none of them.
sys.modules.setdefault("torchvision._meta_registrations", types.ModuleType("_meta_registrations"))


def randomised(network, gain):
    """Statistics that do something, and logits large enough that scores differ."""
    with torch.no_grad():
        for name, buffer in network.named_buffers():
            if name.endswith("running_mean"):
                buffer.normal_(0, 0.1)
            elif name.endswith("running_var"):
                buffer.uniform_(0.5, 2)
        linear = [layer for layer in network.modules() if isinstance(layer, torch.nn.Linear)][-1]
        linear.weight.normal_(0, gain)
    return network.eval()


def slowfast(classes, side):
    """SlowFast-8x8-R50 of pytorchvideo, whose head gives a vector for each place; `side` of the last feature map."""
    from pytorchvideo.models.slowfast import create_slowfast

    return create_slowfast(
        model_num_class=classes,
        slowfast_fusion_conv_kernel_size=(7, 1, 1),
        head_pool_kernel_sizes=((8, side, side), (32, side, side)),
        head_activation=None,
        head_output_with_global_average=False,
    )


def both_pathways(x):
    """32 frames as SlowFast takes them: every fourth, as PySlowFast chooses them, and all; [N, 3, T, H, W]."""
    return [x[:, :, torch.linspace(0, x.shape[2] - 1, 8).long()], x]
