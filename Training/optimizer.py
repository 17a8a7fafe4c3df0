"""How the weights learn: Muon for the matrices inside the transformers, AdamW for everything else."""
from functools import partial

import torch


def orthogonal(m, kind, steps=5):
    """The nearest matrices with orthonormal rows or columns, roughly (singular values 0.7 to 1.2): [B, m, n] -> the same.

    Newton-Schulz iteration with the quintic of Jordan et al., "Muon: An optimizer for hidden layers in neural networks"
    (2024): a = 3.4445, b = -4.7750, c = 2.0315.
    """
    x = m.to(kind)
    flat = x.shape[1] > x.shape[2]
    x = x.mT if flat else x
    x = x / (x.float().norm(dim=(1, 2), keepdim=True) + 1e-7).to(kind)
    for _ in range(steps):
        a = x @ x.mT
        x = torch.baddbmm(x, torch.baddbmm(a, a, a, beta=-4.7750, alpha=2.0315), x, beta=3.4445)
    return (x.mT if flat else x).to(m.dtype)


class Muon(torch.optim.Optimizer):
    """Steps of which every direction is as long as any other, at the root mean square of AdamW's (0.2, as measured by
    Liu et al., "Muon is scalable for LLM training", 2025), so that both share a learning rate.

    A group holds matrices of one shape; `stacked` of them lie in each parameter, one below another (3 for queries, keys and values).
    kind: the numbers to do it in; bfloat16 is precise enough, and takes twenty times as long as float32 on a processor without it.
    """
    def __init__(self, groups, lr, momentum=0.95, kind=torch.float32):
        self.kind = kind
        super().__init__(groups, dict(lr=lr, momentum=momentum, weight_decay=0.0, stacked=1, gain=1.0))

    @torch.no_grad()
    def step_group(self, group):
        params = [p for p in group["params"] if p.grad is not None]
        if not params:
            return
        grads = [p.grad for p in params]
        for p in params:
            if not self.state[p]:
                self.state[p]["momentum"] = torch.zeros_like(p)
        held = [self.state[p]["momentum"] for p in params]
        torch._foreach_lerp_(held, grads, 1 - group["momentum"])
        ahead = torch.stack(torch._foreach_lerp(grads, held, group["momentum"]))     # Nesterov's
        rows, columns = ahead.shape[1] // group["stacked"], ahead.shape[2]
        step = orthogonal(ahead.view(-1, rows, columns), self.kind) * (0.2 * max(rows, columns) ** 0.5)
        torch._foreach_mul_(params, 1 - group["lr"] * group["weight_decay"])
        torch._foreach_add_(params, list(step.view_as(ahead)), alpha=-group["lr"])

    def parts(self):
        """The step in parts, which may run side by side."""
        return [partial(self.step_group, group) for group in self.param_groups]

    def step(self, closure=None):
        assert closure is None
        for part in self.parts():
            part()
