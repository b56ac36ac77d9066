"""Reverse proxies in front of a worker, as used for authentication: `/orders` is open, everything else is 401, WebSockets pass."""

import asyncio
import os
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import NamedTuple

from tests.support.deployment.debian import program

WAIT_S = 2
"""Time that a proxy waits for a client that sends less than it announced (seconds)."""


class Command(NamedTuple):
    """Command line that starts a proxy; `libraries` is the search path of its shared libraries."""

    words: Sequence[str]
    libraries: str = ""


Configured = Callable[[Path, int, int], Command]
"""Function that writes a proxy's files into a folder and returns its command. The proxy listens at one port and forwards to another."""


def nginx(folder: Path, port: int, worker: int) -> Command:
    """Configure nginx with the lines for WebSockets that most instructions contain."""
    scratch = "".join(f"{name}_temp_path {folder}/{name}; " for name in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
    (folder / "nginx.conf").write_text(f"""
daemon off; master_process off; pid {folder}/pid;
events {{ }}
http {{
  access_log off; {scratch}
  client_body_timeout {WAIT_S}; client_header_timeout {WAIT_S}; keepalive_timeout {WAIT_S};
  map $http_upgrade $connection_upgrade {{ default upgrade; '' ''; }}
  upstream worker {{ server 127.0.0.1:{worker}; keepalive 4; }}
  server {{
    listen 127.0.0.1:{port};
    location /orders {{
      proxy_pass http://worker; proxy_http_version 1.1; proxy_set_header Upgrade $http_upgrade; proxy_set_header Connection $connection_upgrade;
    }}
    location / {{ return 401; }}
  }}
}}""")
    nginx, _ = program("nginx", "nginx")
    return Command([str(nginx), "-c", f"{folder}/nginx.conf", "-p", str(folder), "-e", "stderr"])


def nginx_streaming(folder: Path, port: int, worker: int) -> Command:
    """Configure nginx as above, but pass request bodies on as they arrive."""
    command = nginx(folder, port, worker)
    file = folder / "nginx.conf"
    file.write_text(file.read_text().replace("location /orders {", "location /orders { proxy_request_buffering off;"))
    return command


def haproxy(folder: Path, port: int, worker: int) -> Command:
    """Configure HAProxy without any line about upgrades."""
    (folder / "haproxy.cfg").write_text(f"""
defaults
  mode http
  timeout connect 5s
  timeout client {WAIT_S}s
  timeout server 10s
frontend all
  bind 127.0.0.1:{port}
  http-request deny deny_status 401 unless {{ path_beg /orders }}
  default_backend worker
backend worker
  server one 127.0.0.1:{worker}
""")
    haproxy, libraries = program("haproxy", "haproxy", "liblua5.3-0", "libopentracing-c-wrapper0", "libopentracing1")
    return Command([str(haproxy), "-db", "-f", f"{folder}/haproxy.cfg"], libraries)


def caddy(folder: Path, port: int, worker: int) -> Command:
    """Configure Caddy without any line about upgrades."""
    (folder / "Caddyfile").write_text(f"""
{{
  admin off
  auto_https off
  servers {{
    timeouts {{
      read_body {WAIT_S}s
      read_header {WAIT_S}s
      idle {WAIT_S}s
    }}
  }}
}}
http://:{port} {{
  bind 127.0.0.1
  handle /orders* {{
    reverse_proxy 127.0.0.1:{worker}
  }}
  handle {{
    respond 401
  }}
}}
""")
    caddy, _ = program("caddy", "caddy")
    return Command([str(caddy), "run", "--adapter", "caddyfile", "--config", f"{folder}/Caddyfile"])


ALL: Sequence[Configured] = (nginx, nginx_streaming, haproxy, caddy)


@asynccontextmanager
async def in_front(proxy: Configured, folder: Path, port: int, worker: int) -> AsyncIterator[None]:
    """Run a proxy in front of a worker. Yield once it accepts connections."""
    command = await asyncio.to_thread(proxy, folder, port, worker)
    environment = {**os.environ, "HOME": str(folder), "LD_LIBRARY_PATH": command.libraries}
    with (folder / "said").open("wb") as said:
        process = await asyncio.create_subprocess_exec(*command.words, cwd=folder, stdout=said, stderr=said, env=environment)
    try:
        async with asyncio.timeout(30):
            while not await _serves(port):
                assert process.returncode is None, (folder / "said").read_text()
                await asyncio.sleep(0.05)
        yield
    finally:
        with suppress(ProcessLookupError):
            process.kill()
        await process.wait()


async def _serves(port: int) -> bool:
    with suppress(OSError):
        _, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.close()
        return True
    return False
