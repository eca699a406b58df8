"""docker-compose.yml, the Dockerfiles and what they refer to agree with each other and with the code."""

import importlib.metadata
import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
import typer.main
import yaml

from server.config import config_from_environment
from visavis.__main__ import app

ROOT = Path(__file__).parents[2]
COMPOSE = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
SERVICES = COMPOSE["services"]
DOCKERFILES = sorted((ROOT / "docker").glob("*.Dockerfile"))
SERVICE_KEYS = {
    "build",
    "cap_drop",
    "command",
    "depends_on",
    "deploy",
    "entrypoint",
    "environment",
    "healthcheck",
    "image",
    "network_mode",
    "ports",
    "read_only",
    "restart",
    "security_opt",
    "tmpfs",
    "volumes",
}
"""Keys of the compose specification that we use; a misspelled one would be refused by `docker compose config`."""

TAKEN_IF_THERE = {"backports-zstd", "cffi", "cryptography", "pycparser"}
"""What aiohttp and PyJWT import where it is installed, and do without where it is not."""


def instructions(dockerfile: Path) -> list[tuple[str, str]]:
    """(instruction, arguments) of a Dockerfile, continuation lines joined."""
    text = re.sub(r"\\\n\s*", "", dockerfile.read_text())
    lines = [line for line in text.splitlines() if line and not line.startswith("#")]
    return [(line.split(None, 1)[0], line.split(None, 1)[1]) for line in lines]


def check_command(arguments: list[str]) -> None:
    """Fails unless the `visavis` command takes these arguments."""
    assert arguments[0] == "visavis"
    group = typer.main.get_command(app)
    command = group.commands[arguments[1]]
    context = command.make_context(arguments[1], [re.sub(r"\$\{.*:-(.*)\}", r"\1", one) for one in arguments[2:]])
    assert not context.args


def test_every_service_is_complete():
    assert set(COMPOSE) == {"name", "services", "volumes"}
    assert set(SERVICES) == {"server", "client", "turn", "proxy"}
    for name, service in SERVICES.items():
        assert set(service) <= SERVICE_KEYS, name
        assert service["restart"] == "unless-stopped", name
        assert ":" in service["image"] or "build" in service, f"{name}: an image without a version"
        for other, condition in service.get("depends_on", {}).items():
            assert other in SERVICES
            assert condition == {"condition": "service_healthy"}
        if "build" in service:
            assert (ROOT / service["build"]["dockerfile"]) in DOCKERFILES
        else:
            assert service["healthcheck"]["test"][0] == "CMD", name
        for volume in service.get("volumes", []):
            source = volume.split(":")[0]
            assert (ROOT / source).is_file() if source.startswith("./") else source in COMPOSE["volumes"]


def test_every_variable_stands_in_the_example_of_env_and_in_the_docs():
    used = set(re.findall(r"\$\{(\w+)", (ROOT / "docker-compose.yml").read_text()))
    offered = set(re.findall(r"^(\w+)=", (ROOT / ".env.example").read_text(), re.MULTILINE))
    assert used == offered
    hosting = (ROOT / "docs" / "hosting.md").read_text()
    assert [name for name in sorted(used) if f"`{name}`" not in hosting] == []


def test_secrets_have_no_default():
    text = (ROOT / "docker-compose.yml").read_text()
    for name in ("VISAVIS_SECRET", "VISAVIS_TURN_SECRET"):
        assert set(re.findall(rf"\$\{{{name}(.\S)", text)) == {":?"}
        assert f"\n{name}=\n" in (ROOT / ".env.example").read_text()


def test_the_server_understands_its_environment():
    environment = {}
    for name, value in SERVICES["server"]["environment"].items():
        value = re.sub(r"\$\{\w+:-([^}]*)\}", r"\1", value)
        environment[name] = re.sub(r"\$\{\w+:\?[^}]*\}", "a secret for tests only", value)
    config = config_from_environment(environment)
    assert config.public_origins == ("https://localhost",)
    assert config.turn_urls == ("turn:localhost:3478?transport=udp", "turn:localhost:3478?transport=tcp")
    assert config.trust_proxy
    assert config.passcode is None


@pytest.mark.parametrize("dockerfile", DOCKERFILES, ids=lambda path: path.stem)
def test_dockerfiles_copy_what_exists_and_drop_root(dockerfile):
    steps = instructions(dockerfile)
    assert steps[0] == ("FROM", "python:3.11-slim-bookworm")
    assert ("USER", "visavis") in steps
    assert any(step == "HEALTHCHECK" for step, _ in steps)
    allowed = set(re.findall(r"^!(\S+)$", (ROOT / ".dockerignore").read_text(), re.MULTILINE))
    for step, arguments in steps:
        assert not arguments.startswith("--mount"), "needs BuildKit"
        if step == "COPY":
            for source in arguments.split()[:-1]:
                assert (ROOT / source).exists(), source
                assert source.split("/")[0] in allowed, f"{source} is kept out by .dockerignore"


def test_containers_run_commands_that_exist():
    for dockerfile in DOCKERFILES:
        for step, arguments in instructions(dockerfile):
            if step == "CMD":
                check_command(yaml.safe_load(arguments))
            if step == "RUN" and arguments.startswith("visavis"):
                check_command(arguments.split())
    check_command(SERVICES["client"]["command"])


@pytest.fixture(scope="module")
def server_modules() -> dict[str, str | None]:
    """Modules that the container's command imports, and the file of each (None: built in, or a namespace)."""
    code = (
        "import json, sys, server.run, visavis.__main__, visavis.commands.hosting, visavis.processes\n"
        "print(json.dumps({name: getattr(module, '__file__', None) for name, module in sys.modules.items()}))"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    return json.loads(done.stdout)


def test_the_server_image_holds_all_that_the_server_imports(server_modules):
    used = owners_of(server_modules)
    assert {"aiohttp", "pyjwt", "rich", "typer"} <= used
    lines = (ROOT / "docker" / "server-requirements.txt").read_text().splitlines()
    installed: set[str] = set()
    todo = [normal(line) for line in lines if line and not line.startswith("#")]
    while todo:
        name = todo.pop()
        if name in installed:
            continue
        installed.add(name)
        try:
            required = importlib.metadata.requires(name) or []
        except importlib.metadata.PackageNotFoundError:
            continue  # for another platform or Python version
        todo += [normal(re.split(r"[^\w.-]", one)[0]) for one in required if "extra ==" not in one]
    assert used - installed - TAKEN_IF_THERE - {"visavis", "setuptools"} == set()


def test_the_server_image_holds_our_packages_that_the_server_imports(server_modules):
    ours = {name.split(".")[0] for name, file in server_modules.items() if file and is_ours(Path(file))}
    assert {"codec", "server", "visavis"} <= ours
    steps = instructions(ROOT / "docker" / "server.Dockerfile")
    copied = {source for step, arguments in steps if step == "COPY" for source in arguments.split()[:-1]}
    assert ours <= copied


def is_ours(file: Path) -> bool:
    """Whether the file belongs to the source tree, and not to an environment inside it."""
    return file.is_relative_to(ROOT) and "site-packages" not in file.parts


def owners_of(modules: dict[str, str | None]) -> set[str]:
    """The distributions whose files these modules are. Several may share a namespace, so that names do not tell."""
    candidates = importlib.metadata.packages_distributions()
    files: dict[str, set[str]] = {}
    used: set[str] = set()
    for name, file in modules.items():
        for owner in candidates.get(name.split(".")[0], []) if file else []:
            if owner not in files:
                distribution = importlib.metadata.distribution(owner)
                files[owner] = {str(distribution.locate_file(path)) for path in distribution.files or []}
            if file in files[owner]:
                used.add(normal(owner))
    return used


def normal(name: str) -> str:
    """A distribution's normalized name."""
    return re.sub(r"[-_.]+", "-", name).lower()


def test_the_proxy_keeps_the_inner_paths_inside():
    caddyfile = (ROOT / "docker" / "caddy" / "Caddyfile").read_text()
    assert "@internal path /metrics /api/worker" in caddyfile
    assert "respond @internal 404" in caddyfile


def test_the_relay_is_configured_from_the_environment(tmp_path):
    (tmp_path / "turnserver").write_text('#!/bin/sh\necho "$@"\n')
    (tmp_path / "turnserver").chmod(0o755)
    environment = {
        "PATH": f"{tmp_path}:/usr/bin:/bin",
        "TURN_SECRET": "north",
        "TURN_REALM": "call.example.org",
        "TURN_CONFIG": str(tmp_path / "turn.conf"),
        "EXTERNAL_IP": "192.0.2.7",
    }
    done = subprocess.run(
        ["/bin/sh", str(ROOT / "docker" / "coturn" / "start.sh")],
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    config = (tmp_path / "turn.conf").read_text().splitlines()
    assert {"use-auth-secret", "static-auth-secret=north", "realm=call.example.org", "external-ip=192.0.2.7"} <= set(
        config
    )
    assert "denied-peer-ip=10.0.0.0-10.255.255.255" in config
    assert "north" not in done.stdout
    assert (tmp_path / "turn.conf").stat().st_mode & 0o077 == 0


def test_the_clients_health_check_reads_the_kernels_tables():
    sys.path.insert(0, str(ROOT / "docker"))
    try:
        from client_health import is_connected
    finally:
        sys.path.pop(0)
    header = "  sl  local_address rem_address   st\n"
    established = header + "   0: 0100007F:C350 0100007F:1F90 01 00000000:00000000\n"
    listening = header + "   0: 0100007F:1F90 00000000:0000 0A 00000000:00000000\n"
    six = header + "   0: 00000000000000000000000001000000:C350 00000000000000000000000001000000:1F90 01 0:0\n"
    assert is_connected([established], 8080)
    assert is_connected([listening, six], 8080)
    assert not is_connected([established], 443)
    assert not is_connected([listening, header, ""], 8080)
