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


def make_scheduler(name: str, config: Any, steps: int, *, place: object = "the model") -> Any:
    """A diffusers scheduler.

    Args:
        name: one of `options.SCHEDULERS`.
        config: of the scheduler that came with the model: betas, prediction type.
        steps: denoising steps that will be asked of it.
        place: of the configuration, for messages.

    Raises:
        UserError: a configuration that it does not take, or more steps than the sampler has.
    """
    import diffusers

    kind = getattr(diffusers, _CLASSES[name])
    try:
        scheduler = kind.from_config(config, **_ARGUMENTS.get(name, {}))
    except (NotImplementedError, TypeError, ValueError) as error:
        raise UserError(
            f"scheduler_config.json of {place} does not fit the scheduler {name} "
            f"({error}); download the model again."
        ) from error
    most = scheduler.config.get("original_inference_steps") if name == "lcm" else None
    most = most or scheduler.config.num_train_timesteps
    if steps > most:
        raise UserError(f"--steps is {steps}; the scheduler {name} has {most} at most.")
    return scheduler
