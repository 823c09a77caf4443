"""`redactor serve`: the same as an HTTP service."""

from __future__ import annotations

import logging
import os
import signal
import socket
from dataclasses import replace
from typing import TYPE_CHECKING

import click

from redactor.cli import options
from redactor.cli.exits import help_of
from redactor.errors import BackendMissing

if TYPE_CHECKING:
    from redactor.hooks.metrics import Metrics
    from redactor.hooks.objects import ObjectHook
    from redactor.hooks.settings import Settings
    from redactor.storage.oss_place import OssPlace, OssSettings
    from redactor.workers import Workers

_TOKEN = "REDACTOR_TOKEN"
_BACKLOG = 2048
_LOOPBACK = ("127.0.0.1", "::1", "localhost")


@click.command(
    short_help="Serve over HTTP, for upload hooks.",
    epilog=help_of(
        "redactor serve",
        "redactor serve --source oss://shop/in/ --out oss://shop/public/ --queue uploads.db",
        "curl --data-binary @photo.jpg http://127.0.0.1:8080/redact --output redacted.jpg",
    ),
)
@click.option("--host", default="127.0.0.1", show_default=True, help="Listen on this address.")
@click.option(
    "--port", type=click.IntRange(0, 65535), default=8080, show_default=True, help="And this port."
)
@options.policy()
@options.detector
@click.option(
    "--source", "sources", multiple=True, metavar="PLACE", help="Take uploads below this oss://."
)
@click.option("--out", metavar="PLACE", help="Write their finished pictures below this oss://.")
@click.option("--queue", metavar="FILE", help="Keep uploads that wait here.")
@click.option(
    "--workers",
    type=click.IntRange(1, 256),
    metavar="N",
    show_default="the number of cores",
    help="Look at pictures in N processes.",
)
@click.option(
    "--timeout",
    type=click.IntRange(1, 3600),
    default=60,
    metavar="S",
    show_default=True,
    help="Give up on a picture after S seconds.",
)
@click.option(
    "--memory",
    type=click.IntRange(256),
    default=4096,
    metavar="MB",
    show_default=True,
    help="Let each process have MB megabytes.",
)
@click.option(
    "--quarantine", metavar="PLACE", help="Move uploads here that could not be handled; private."
)
@click.option(
    "--imm-qps",
    type=click.FloatRange(min=0, min_open=True),
    metavar="N",
    help="Ask image/codes N times a second at most.",
    show_default="no limit",
)
@click.option(
    "--max-imm-calls",
    type=click.IntRange(min=0),
    metavar="N",
    help="Ask image/codes N times at most, and look at the rest locally.",
    show_default="no limit",
)
@options.imm_project
@options.oss
@options.quiet
def serve(
    *,
    host: str,
    port: int,
    policy_file: str,
    detector: str | None,
    sources: tuple[str, ...],
    out: str | None,
    queue: str | None,
    workers: int | None,
    timeout: int,
    memory: int,
    quarantine: str | None,
    imm_qps: float | None,
    max_imm_calls: int | None,
    imm_project: str | None,
    endpoint: str | None,
    region: str | None,
    quiet: bool,
) -> None:
    """Serve over HTTP, for upload hooks.

    POST /redact takes a picture and answers the picture. POST /callback/oss and /events take what
    OSS tells of uploads. GET /healthz and /metrics tell how it does. Requests must bear the token
    that REDACTOR_TOKEN holds; without one, only this machine is served.
    """
    token = os.environ.get(_TOKEN) or None
    if token is None and host not in _LOOPBACK:
        raise click.UsageError(
            f"--host {host} serves others than this machine: set {_TOKEN}, which requests must bear"
        )
    if bool(sources) != bool(out) or bool(sources) != bool(queue):
        raise click.UsageError("--source, --out and --queue go together")
    if quarantine and not sources:
        raise click.UsageError("--quarantine goes with --source")
    if detector == "imm":
        raise click.UsageError("--detector imm looks at objects in OSS only; take hybrid")
    try:
        import uvicorn

        from redactor.hooks.asgi import make_app
        from redactor.hooks.metrics import Metrics
    except ImportError as error:
        raise BackendMissing(
            f"{error.name} is not installed; pip install 'redactor[server]'"
        ) from error
    from redactor.hooks.queue import UploadQueue
    from redactor.hooks.service import Service

    settings = replace(
        _settings(policy_file, detector, sources, out, workers, timeout, memory),
        imm_qps=imm_qps,
        max_imm_calls=max_imm_calls,
        quarantine=_prefix(quarantine) if quarantine else None,
    )
    logging.basicConfig(
        level=logging.WARNING if quiet else logging.INFO,
        format="%(asctime)s %(levelname)s %(message)s",
    )
    metrics = Metrics()
    listening = _listen(host, port)
    pool = settings.make_workers()
    oss = options.oss_settings(endpoint, region, pool.count, imm_project=imm_project)
    try:
        hook = _hook(settings, pool, metrics, oss) if sources else None
        service = Service(pool, metrics, hook, UploadQueue(queue) if queue else None, token=token)
    except BaseException:
        listening.close()
        pool.close()
        raise
    config = uvicorn.Config(
        make_app(service),
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=timeout + 5,
    )
    logging.getLogger("uvicorn.error").setLevel(logging.WARNING)
    name = f"[{host}]" if ":" in host else host
    click.echo(f"Serving on http://{name}:{listening.getsockname()[1]}", err=True)
    # Uvicorn ends in order, then gives the signal back: being asked to end is no failure.
    signal.signal(signal.SIGTERM, lambda *_: None)
    uvicorn.Server(config).run(sockets=[listening])


def _listen(host: str, port: int) -> socket.socket:
    """Listen, so that who reads the address may connect at once.

    Raises:
        BackendMissing: If that cannot be.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family, backlog=_BACKLOG)
    except OSError as error:
        # create_server adds to strerror what is said here already.
        number = error.errno or 0
        why = os.strerror(number) if number > 0 else error.strerror
        raise BackendMissing(
            f"{host}, port {port}: cannot listen there ({why}); choose another --host or --port"
        ) from error


def _settings(
    policy_file: str,
    detector: str | None,
    sources: tuple[str, ...],
    out: str | None,
    workers: int | None,
    timeout: int,
    memory: int,
) -> Settings:
    from redactor.hooks.settings import Settings, seal_key
    from redactor.policy import Policy
    from redactor.storage.oss_place import OssPlace

    try:
        places = tuple(OssPlace.parse(source) for source in sources)
        target = OssPlace.parse(out) if out else None
    except ValueError as error:
        raise click.UsageError(str(error)) from error
    return Settings(
        Policy.load(policy_file),
        places,
        target,
        detector or "hybrid",
        seal_key(),
        workers,
        timeout,
        memory << 20,
    )


def _prefix(text: str) -> OssPlace:
    from redactor.storage.oss_place import OssPlace

    try:
        return OssPlace.parse(text)
    except ValueError as error:
        raise click.UsageError(f"--quarantine: {error}") from error


def _hook(
    settings: Settings,
    workers: Workers,
    metrics: Metrics,
    oss: OssSettings,
) -> ObjectHook:
    from redactor.storage.oss import connect

    client = connect(oss)
    hook = replace(settings.make_hook(client, workers), told=metrics.upload, imm=metrics.imm)
    hook.check()
    return hook
