"""How the work of one device changes with the number of devices."""

import dataclasses

from tqdm import tqdm

from rl_credit.analysis import documents
from rl_credit.analysis.plan import held, programs
from rl_credit.analysis.plan.held import ALWAYS
from rl_credit.analysis.plan.job import Job

COUNTS = 1, 2, 4, 8, 64, 256


def table(job: Job) -> str:
    """The gradient of a microbatch on `COUNTS` devices, a row each.

    As many are along `model` as in the job's mesh, or all where these are fewer.
    """
    lines = []
    with tqdm(COUNTS, unit="mesh", leave=False) as progress:
        for count in progress:
            model = min(job.model, count)
            lines.append(
                _row(dataclasses.replace(job, data=count // model, model=model))
            )
    head = ["devices", "mesh", "rows a device", "GB held", "GB besides", "TFLOP"]
    head += ["GB read and written", "GB gathered", "GB reduced", "GB sent otherwise"]
    return documents.table(head, lines)


def _row(job: Job) -> list[str]:
    made = programs.gradient(job)
    work, sent = made.counted, made.counted.sent
    kept = sum(part.size for part in held.parts(job) if part.when == ALWAYS)
    gathered, reduced = sent["all-gather"], sent["all-reduce"] + sent["reduce-scatter"]
    sizes = [work.touched, gathered, reduced, work.wire - gathered - reduced]
    share = job.own_rows / job.blocks[0]
    mesh = f"{job.data}x{job.model}"
    return [
        *(str(job.devices), mesh, f"{share:g}", f"{kept / 1e9:.2f}"),
        *(f"{made.temporary / 1e9:.2f}", f"{work.flops / 1e12:.2f}"),
        *(f"{size / 1e9:.2f}" for size in sizes),
    ]
