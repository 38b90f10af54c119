"""Package indexes on loopback: wheels made here, served by HTTP, and PyTorch's own index behind a proxy.

uv knows PyTorch's index by an address of its own, over HTTPS: the proxy plays every host, with certificates
that it signs itself.
"""

import hashlib
import importlib.metadata
import json
import os
import platform
import socket
import ssl
import subprocess
import sys
import tarfile
import threading
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path, PurePosixPath

RELEASES = "https://github.com/astral-sh/python-build-standalone/releases/download"  # what a mirror replaces


def write_wheel(folder: Path, name: str, version: str, files: dict[str, bytes] | None = None) -> Path:
    """Write a wheel that any machine takes."""
    files = {f"{name}.py": b""} if files is None else files
    info = f"{name}-{version}.dist-info"
    files |= {
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n".encode(),
        f"{info}/WHEEL": b"Wheel-Version: 1.0\nGenerator: tests\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    files[f"{info}/RECORD"] = "".join(f"{path},,\n" for path in [*files, f"{info}/RECORD"]).encode()
    (folder / name).mkdir(parents=True, exist_ok=True)
    wheel = folder / name / f"{name}-{version}-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w") as zipped:
        for path, content in files.items():
            entry = zipfile.ZipInfo(path)
            entry.external_attr = 0o100755 << 16  # programs stay programs
            zipped.writestr(entry, content)
    return wheel


def repack(folder: Path, name: str) -> Path:
    """Write a wheel of a package that is installed here, its programs included."""
    package = importlib.metadata.distribution(name)
    files = {}
    for path in package.files or ():
        parts = PurePosixPath(path).parts
        if ".." in parts and "bin" in parts:
            files[f"{name}-{package.version}.data/scripts/{parts[-1]}"] = path.locate().read_bytes()
        elif ".." not in parts and "__pycache__" not in parts and path.locate().is_file():
            files[str(path)] = path.locate().read_bytes()
    kept = {
        path: content for path, content in files.items() if not path.endswith(("RECORD", "direct_url.json"))
    }
    return write_wheel(folder, name, package.version, kept)


class Quiet(SimpleHTTPRequestHandler):
    """Serves a folder; its listings are an index's pages."""

    def log_message(self, *_: object) -> None:
        """Keep pytest's output clean."""


class _Proxied(Quiet):
    def do_CONNECT(self) -> None:
        host = self.path.rpartition(":")[0]
        self.server.asked.append(host)
        self.send_response(200)
        self.end_headers()
        with self.server.context(host).wrap_socket(self.connection, server_side=True) as secured:
            Quiet(secured, self.client_address, self.server, directory=self.directory)
        self.close_connection = True


class Proxy(ThreadingHTTPServer):
    """Answers for every host over HTTPS out of one folder; `asked` are the hosts in the order of asking."""

    daemon_threads = True

    def __init__(self, folder: Path, keys: Path) -> None:
        super().__init__(("127.0.0.1", 0), partial(_Proxied, directory=str(folder)))
        self.keys, self.asked, self.lock = keys, [], threading.Lock()
        keys.mkdir()
        openssl("req", "-x509", "-subj", "/CN=tests", "-keyout", keys / "ca.key", "-out", self.authority)

    @property
    def authority(self) -> Path:
        """The certificate that clients have to trust."""
        return self.keys / "ca.pem"

    def context(self, host: str) -> ssl.SSLContext:
        """Return what proves to be a host, signed when it is first asked for."""
        key, certificate = self.keys / f"{host}.key", self.keys / f"{host}.pem"
        with self.lock:
            if not certificate.exists():
                signed_by = ("-CA", self.authority, "-CAkey", self.keys / "ca.key")
                extensions = ("-addext", f"subjectAltName=DNS:{host}", "-addext", "basicConstraints=CA:FALSE")
                names = ("-subj", f"/CN={host[:60]}", *extensions)
                openssl("req", "-x509", *signed_by, *names, "-keyout", key, "-out", certificate)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate, key)
        return context

    def handle_error(self, *_: object) -> None:
        """Say nothing: clients hang up when they have what they want."""


def openssl(*arguments: object) -> None:
    """Make a key and a certificate."""
    command = [
        "openssl",
        arguments[0],
        "-newkey",
        "rsa:2048",
        "-nodes",
        "-days",
        "2",
        *map(str, arguments[1:]),
    ]
    subprocess.run(command, check=True, capture_output=True)


@contextmanager
def running(server: ThreadingHTTPServer) -> Iterator[str]:
    """Run a server while the block runs; yield its address."""
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()


def serve_index(folder: Path) -> ThreadingHTTPServer:
    """Return a server of a folder."""
    return ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(folder)))


def closed_port() -> str:
    """Return an address where nobody answers."""
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{unused.getsockname()[1]}"


def serve_python(served: Path, folder: Path) -> dict[str, str]:
    """Pack this Python as the builds are packed that uv downloads; return what tells uv of it."""
    major, minor, patch = sys.version_info[:3]
    base, library = Path(sys.base_prefix), f"lib/python{major}.{minor}"
    archive = served / "pythons/20261110" / f"cpython-{major}.{minor}.{patch}.tar.gz"
    archive.parent.mkdir(parents=True, exist_ok=True)
    unneeded = {
        "__pycache__",
        "site-packages",
        "dist-packages",
        "test",
        "idlelib",
        "ensurepip",
        "sitecustomize.py",
    }
    with tarfile.open(archive, "w:gz", compresslevel=1, dereference=True) as packed:
        packed.add(os.path.realpath(sys.executable), f"python/bin/python{major}.{minor}")
        wanted = [base / library, *base.glob(f"lib/libpython{major}.{minor}.so*")]
        for path in wanted:
            packed.add(
                path,
                f"python/{path.relative_to(base)}",
                filter=lambda entry: None if unneeded & set(Path(entry.name).parts) else entry,
            )
    libc = "musl" if Path("/lib/ld-musl-x86_64.so.1").exists() else "gnu"
    key = f"cpython-{major}.{minor}.{patch}-linux-{platform.machine()}-{libc}"
    entry = {
        "name": "cpython",
        "arch": {"family": platform.machine(), "variant": None},
        "os": "linux",
        "libc": libc,
        "major": major,
        "minor": minor,
        "patch": patch,
        "prerelease": "",
        "url": f"{RELEASES}/{archive.parent.name}/{archive.name}",
        "sha256": hashlib.sha256(archive.read_bytes()).hexdigest(),
        "variant": None,
        "build": "20261110",
    }
    (folder / "pythons.json").write_text(json.dumps({key: entry}))
    return {
        "UV_PYTHON_DOWNLOADS_JSON_URL": str(folder / "pythons.json"),
        "UV_PYTHON_INSTALL_DIR": str(folder / "pythons"),
    }
