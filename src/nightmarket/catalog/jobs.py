"""Imports as jobs: asked for by anyone, run by the worker, watched in the console."""

import asyncio

from nightmarket.platform.jobs import Job, JobContext

from .contract import Importer, ImportProgress, ImportReport, ImportRequest


def import_job(importer: Importer) -> Job:
    """The job `catalog.import`, its arguments an ImportRequest. Interrupted, it begins anew, which doubles nothing."""

    async def run(context: JobContext) -> str:
        request = context.arguments(ImportRequest)
        latest: list[ImportProgress] = []

        async def tell() -> None:
            while True:
                await asyncio.sleep(0.5)
                if latest:
                    await context.progress(latest[-1].line, None, request.file)

        telling = asyncio.create_task(tell())
        try:
            report: ImportReport = await importer.run_import(request, latest.append)
        finally:
            telling.cancel()
        return (
            f"{report.variants.created} variants created, {report.variants.updated} updated, {report.warnings} warnings"
        )

    return Job("catalog.import", run)
