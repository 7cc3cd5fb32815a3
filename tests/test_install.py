"""`make setup` installs by uv, and pip's settings hold for it: index, certificate, proxy, wheelhouse, constraint."""

import base64
import hashlib
import os
import shutil
import ssl
import subprocess
import sys
import sysconfig
import threading
import venv
import zipfile
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import IPv4Address
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

import install

ROOT = Path(__file__).resolve().parent.parent
WHEEL = "lantern-1.0-py3-none-any.whl"
LANTERN = "LIGHT = True\n"
SIMPLE = "simple"  # where an index lists its packages
NOWHERE = f"http://nowhere.invalid/{SIMPLE}"
DIGEST = base64.urlsafe_b64encode(hashlib.sha256(LANTERN.encode()).digest()).decode().rstrip("=")


def test_the_settings_of_pip_are_read_by_strength():
    listing = (
        ":env:.index-url='https://a.example'\nglobal.index-url='https://b.example'\n"
        "global.cert='/ca.pem'\ninstall.cert='/own.pem'\ndownload.index-url='https://c.example'\n"
        "global.extra_index_url='https://d.example\\nhttps://e.example'\nWARNING: what pip says beside it\n"
    )
    assert install.pip_settings(listing, dict[str, str]().__getitem__) == {
        "index-url": "https://a.example",
        "cert": "/own.pem",
        "extra-index-url": "https://d.example\nhttps://e.example",
    }


def test_of_two_files_that_set_the_same_pip_says_which_holds():
    listing = "global.cert='/a.pem'\nglobal.index-url='https://a.example'\nglobal.cert='/b.pem'\n"
    assert install.pip_settings(listing, {"global.cert": "/a.pem"}.__getitem__) == {
        "cert": "/a.pem",
        "index-url": "https://a.example",
    }


@pytest.mark.parametrize(
    ("name", "value", "variable", "handed_over"),
    [
        ("index-url", "https://a.example", "UV_DEFAULT_INDEX", "https://a.example"),
        ("extra-index-url", "https://a.example\nfile:///b", "UV_INDEX", "https://a.example file:///b"),
        ("find-links", "/wheels https://a.example", "UV_FIND_LINKS", "/wheels,https://a.example"),
        ("cert", "/my certificates.pem", "SSL_CERT_FILE", "/my certificates.pem"),
        ("client-cert", "/own.pem", "SSL_CLIENT_CERT", "/own.pem"),
        ("trusted-host", "a.example b.example", "UV_INSECURE_HOST", "a.example b.example"),
        ("proxy", "http://p.example:3128", "HTTPS_PROXY", "http://p.example:3128"),
        ("proxy", "http://p.example:3128", "HTTP_PROXY", "http://p.example:3128"),
        ("default-timeout", "180", "UV_HTTP_TIMEOUT", "180"),
        ("retries", "9", "UV_HTTP_RETRIES", "9"),
    ],
)
def test_a_setting_of_pip_has_its_name_in_uv(name, value, variable, handed_over):
    variables, flags = install.uv_settings({name: value}, {})
    assert variables[variable] == handed_over
    assert variables["UV_INDEX_STRATEGY"] == "unsafe-best-match"
    assert flags == ["--require-hashes"]


def test_without_a_certificate_the_machines_own_are_trusted():
    assert install.uv_settings({}, {})[0]["UV_SYSTEM_CERTS"] == "1"
    assert "UV_SYSTEM_CERTS" not in install.uv_settings({"cert": "/ca.pem"}, {})[0]
    assert "UV_SYSTEM_CERTS" not in install.uv_settings({}, {"SSL_CERT_FILE": "/ca.pem"})[0]


def test_what_is_set_for_uv_itself_stays():
    environment = {"UV_DEFAULT_INDEX": "https://own.example", "SSL_CERT_FILE": "/another.pem"}
    variables, _ = install.uv_settings({"index-url": "https://a.example", "cert": "/ca.pem"}, environment)
    assert (variables["UV_DEFAULT_INDEX"], variables["SSL_CERT_FILE"]) == ("https://own.example", "/ca.pem")


@pytest.mark.parametrize(("value", "flags"), [("1", ["--no-index"]), ("true", ["--no-index"]), ("0", []), ("no", [])])
def test_no_index_is_a_switch(value, flags):
    assert install.uv_settings({"no-index": value}, {})[1] == [*flags, "--require-hashes"]


@pytest.mark.parametrize("setting", [{"only-binary": ":all:"}, {"new-in-pip": "1"}, {"find-links": "/a,b"}])
def test_a_setting_without_a_counterpart_is_pips_alone(setting):
    with pytest.raises(install.NotForUv, match=next(iter(setting))):
        install.uv_settings(setting, {})


def test_what_comes_first_is_cut_from_the_lock():
    first = "setuptools==84 \\\n    --hash=sha256:a\n    # via x\n"
    rest = "uv-build==1 \\\n    --hash=sha256:b\n"
    last = "uv==2 ; x \\\n    --hash=sha256:c\n"
    assert install.part_of(first + rest + last, install.FIRST) == first + last


class Index(BaseHTTPRequestHandler):
    """A package index with one package; as a proxy it answers for every host."""

    def do_GET(self):
        self.server.asked.append((self.path, self.headers.get("Authorization")))
        path = self.path.split("nowhere.invalid")[-1]  # a proxy is asked for the whole address
        page = f'<a href="/files/{WHEEL}">{WHEEL}</a>'.encode() if path == f"/{SIMPLE}/lantern/" else None
        answer = self.server.wheel.read_bytes() if path == f"/files/{WHEEL}" else page
        self.send_response(200 if answer else 404)
        self.send_header("Content-Type", "text/html" if page else "application/octet-stream")
        self.send_header("Content-Length", str(len(answer or b"")))
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(answer or b"")

    def do_HEAD(self):
        """What uv asks first where packages are looked up with what they depend on."""
        self.do_GET()

    def log_message(self, *_):
        pass


def certificate(folder):
    """A certificate for 127.0.0.1 that no machine trusts by itself, and its key."""
    key, name = ec.generate_private_key(ec.SECP256R1()), x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "index")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(IPv4Address("127.0.0.1"))]), critical=False)
        .sign(key, hashes.SHA256())
    )
    secret = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    (folder / "ca.pem").write_bytes(made.public_bytes(serialization.Encoding.PEM))
    (folder / "key.pem").write_bytes(secret)
    return folder / "ca.pem", folder / "key.pem"


@pytest.fixture
def wheel(tmp_path):
    """A package in a wheelhouse."""
    (tmp_path / "wheelhouse").mkdir()
    info = "lantern-1.0.dist-info"
    with zipfile.ZipFile(tmp_path / "wheelhouse" / WHEEL, "w") as archive:
        archive.writestr("lantern.py", LANTERN)
        archive.writestr(f"{info}/METADATA", "Metadata-Version: 2.1\nName: lantern\nVersion: 1.0\n")
        archive.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        listed = f"lantern.py,sha256={DIGEST},{len(LANTERN)}\n{info}/METADATA,,\n{info}/WHEEL,,\n{info}/RECORD,,\n"
        archive.writestr(f"{info}/RECORD", listed)
    return tmp_path / "wheelhouse" / WHEEL


@pytest.fixture
def index(wheel):
    """Starts an index on loopback, over TLS where there is a certificate; what it was asked stands in .asked."""
    started = []

    def start(*files):
        server = ThreadingHTTPServer(("127.0.0.1", 0), Index)
        server.wheel, server.asked = wheel, []
        if files:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(*files)
            server.socket = context.wrap_socket(server.socket, server_side=True)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        started.append(server)
        return server, f"127.0.0.1:{server.server_port}"

    yield start
    for server in started:
        server.shutdown()
        server.server_close()


@pytest.fixture
def installing(tmp_path, wheel):
    """Installs the package by uv into an environment of its own, under a pip.conf; whether it is there."""
    root = tmp_path / "root"
    (root / "tools").mkdir(parents=True)
    shutil.copy(ROOT / "tools" / "install.py", root / "tools")
    venv.create(root / ".venv", with_pip=False)
    packages = next((root / ".venv" / "lib").glob("python*")) / "site-packages"
    (packages / "pip").symlink_to(Path(sysconfig.get_path("purelib")) / "pip")
    (root / ".venv" / "bin" / "uv").symlink_to(Path(sys.executable).parent / "uv")
    digest = hashlib.sha256(wheel.read_bytes()).hexdigest()
    clean = {
        name: value
        for name, value in os.environ.items()
        if not name.upper().startswith(("PIP_", "UV_")) and not name.upper().endswith(("_PROXY", "SSL_CERT_FILE"))
    }

    def run(pip_conf="", digest=digest, **environment):
        (root / "lock.txt").write_text(f"lantern==1.0 --hash=sha256:{digest}\n", encoding="utf-8")
        (root / "pip.conf").write_text(f"[global]\n{pip_conf}", encoding="utf-8")
        own = {
            "PIP_CONFIG_FILE": str(root / "pip.conf"),
            "XDG_CONFIG_DIRS": str(root / "no-settings"),  # this machine's own
            "UV_CACHE_DIR": str(tmp_path / "cache"),
            "UV_HTTP_RETRIES": "0",
        }
        code = "import install; raise SystemExit(not install.by_uv(['-r', 'lock.txt']))"
        done = subprocess.run(
            [sys.executable, "-c", code],
            cwd=root,
            env=clean | own | {"UV_NO_CONFIG": "1", "PYTHONPATH": "tools"} | environment,
            check=False,
            capture_output=True,
            text=True,
        )
        run.said = done.stdout + done.stderr
        assert (done.returncode == 0) == (packages / "lantern.py").exists(), run.said
        return done.returncode == 0

    run.packages = packages
    return run


def test_a_private_index_of_pip_conf_is_asked_with_its_password(index, installing):
    server, host = index()
    word = "lamp" + "light"  # two halves, so that it is no finding in this file
    assert installing(f"index-url = http://ada:{word}@{host}/{SIMPLE}\n"), installing.said
    password = "Basic " + base64.b64encode(f"ada:{word}".encode()).decode()  # pragma: allowlist secret
    assert (f"/{SIMPLE}/lantern/", password) in server.asked


def test_a_private_index_of_the_environment_is_asked(index, installing):
    server, host = index()
    assert installing(PIP_INDEX_URL=f"http://{host}/{SIMPLE}"), installing.said
    assert server.asked


def test_a_private_certificate_is_believed_and_without_it_nothing_comes(index, installing, tmp_path):
    authority, key = certificate(tmp_path)
    _, host = index(authority, key)
    assert not installing(f"index-url = https://{host}/{SIMPLE}\n")
    assert installing(f"index-url = https://{host}/{SIMPLE}\ncert = {authority}\n"), installing.said


@pytest.mark.parametrize("folder", ["a", "z"])
def test_the_named_pip_conf_is_stronger_than_the_machines_wherever_either_lies(index, installing, tmp_path, folder):
    """pip lists its files by their names: what holds does not depend on them."""
    server, host = index()
    system = tmp_path / folder / "pip"
    system.mkdir(parents=True)
    (system / "pip.conf").write_text(f"[global]\nindex-url = {NOWHERE}\n", encoding="utf-8")
    assert installing(f"index-url = http://{host}/{SIMPLE}\n", XDG_CONFIG_DIRS=str(system.parent)), installing.said
    assert server.asked


def test_a_proxy_of_pip_is_asked(index, installing):
    server, host = index()
    assert installing(f"index-url = {NOWHERE}\nproxy = http://{host}\n"), installing.said
    assert server.asked[0][0] == f"{NOWHERE}/lantern/"


def test_a_wheelhouse_is_enough_where_there_is_no_network(installing, wheel):
    assert installing(f"no-index = true\nfind-links = {wheel.parent}\n"), installing.said


def test_other_bytes_than_the_lock_names_are_refused(installing, wheel):
    assert not installing(f"no-index = true\nfind-links = {wheel.parent}\n", digest="0" * 64)
    assert "hash" in installing.said.lower()


def test_a_constraint_of_pip_still_refuses_and_hashes_are_still_checked(installing, wheel, tmp_path):
    constraint = tmp_path / "constraint.txt"
    settings = f"no-index = true\nfind-links = {wheel.parent}\nconstraint = {constraint}\n"
    constraint.write_text("lantern<1\n", encoding="utf-8")
    assert not installing(settings)
    constraint.write_text("lantern<2\nabsent<9\n", encoding="utf-8")
    assert not installing(settings, digest="0" * 64)
    assert installing(settings), installing.said


@pytest.mark.parametrize("damage", [Path.unlink, lambda path: path.write_text("x", encoding="utf-8")])
def test_a_damaged_cache_is_seen_and_passed_by(index, installing, tmp_path, damage):
    """uv links what its cache holds, whatever that has become since it was checked against the lock."""
    _, host = index()
    assert installing(f"index-url = http://{host}/{SIMPLE}\n"), installing.said
    (cached,) = (tmp_path / "cache").rglob("lantern.py")
    installed = installing.packages / "lantern.py"
    installed.unlink()
    shutil.rmtree(installing.packages / "lantern-1.0.dist-info")
    damage(cached)
    assert installing(f"index-url = http://{host}/{SIMPLE}\n"), installing.said
    assert "uv's cache is damaged (1 files, the first is lantern.py)" in installing.said
    assert installed.read_text(encoding="utf-8") == LANTERN


def test_files_that_a_package_does_not_list_or_gives_no_length_of_are_not_looked_at(tmp_path):
    (tmp_path / "a-1.dist-info").mkdir()
    (tmp_path / "a-1.dist-info/RECORD").write_text('"a,b.py",sha256=x,1\na.py,,\n', encoding="utf-8")
    (tmp_path / "more.py").touch()
    assert install.damaged(tmp_path) == [tmp_path / "a,b.py"]


def test_a_setting_that_uv_does_not_know_leaves_it_to_pip_and_says_so(installing, wheel):
    assert not installing(f"no-index = true\nfind-links = {wheel.parent}\nonly-binary = :all:\n")
    assert "uv has no counterpart of its setting 'only-binary'" in installing.said
