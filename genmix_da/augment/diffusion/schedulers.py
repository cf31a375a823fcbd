"""The samplers by name, each made from the model's own noise schedule."""

from __future__ import annotations

from typing import Any

from genmix_da.errors import UserError

_CLASSES = {
    "euler-a": "EulerAncestralDiscreteScheduler",
    "euler": "EulerDiscreteScheduler",
    "dpm++": "DPMSolverMultistepScheduler",
    "unipc": "UniPCMultistepScheduler",
    "ddim": "DDIMScheduler",
    "lcm": "LCMScheduler",
}
_ARGUMENTS: dict[str, dict[str, Any]] = {"dpm++": {"algorithm_type": "dpmsolver++"}}


def make_scheduler(name: str, config: Any, steps: int) -> Any:
    """A diffusers scheduler.

    Args:
        name: one of `options.SCHEDULERS`.
        config: of the scheduler that came with the model: betas, prediction type.
        steps: denoising steps that will be asked of it.

    Raises:
        UserError: more steps than the sampler has.
    """
    import diffusers

    scheduler = getattr(diffusers, _CLASSES[name]).from_config(config, **_ARGUMENTS.get(name, {}))
    most = scheduler.config.get("original_inference_steps") if name == "lcm" else None
    most = most or scheduler.config.num_train_timesteps
    if steps > most:
        raise UserError(f"--steps is {steps}; the scheduler {name} has {most} at most.")
    return scheduler
