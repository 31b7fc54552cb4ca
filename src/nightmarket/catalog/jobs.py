"""Imports as jobs: asked for by anyone, run by the worker, watched in the console."""

import asyncio

from nightmarket.platform.jobs import Job, JobCancelled, JobContext

from .contract import IMPORT_JOB, Importer, ImportJob, ImportProgress

TOLD_SECONDS = 0.5


def import_job(importer: Importer) -> Job:
    """The job `catalog.import`. Interrupted, it goes on behind the last set that was written."""

    async def run(context: JobContext) -> str:
        asked = context.arguments(ImportJob)
        latest: list[ImportProgress] = []
        stop = asyncio.Event()

        def hear(step: ImportProgress) -> None:
            if stop.is_set():
                raise JobCancelled
            latest[:] = [step]

        async def tell() -> None:
            while not stop.is_set():
                await asyncio.sleep(TOLD_SECONDS)
                if latest:
                    try:
                        await context.progress(latest[0].line, None, latest[0].report.file)
                    except JobCancelled:
                        stop.set()

        telling = asyncio.create_task(tell())
        try:
            report = await importer.run_import(asked.request, hear, run=asked.run)
        finally:
            telling.cancel()
            await asyncio.gather(telling, return_exceptions=True)
        return (
            f"{report.variants.created} variants created, {report.variants.updated} updated, "
            f"{report.refused} refused, {report.warnings} warnings"
        )

    return Job(IMPORT_JOB, run)
