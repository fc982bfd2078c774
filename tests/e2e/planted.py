"""Secrets in files, as people leave them; made up at run time."""

import base64
import secrets
import string
import zlib
from typing import NamedTuple

BASE62 = string.digits + string.ascii_uppercase + string.ascii_lowercase


def _random(alphabet: str, length: int) -> str:
    return "".join(secrets.choice(alphabet) for _ in range(length))


def github_token() -> str:
    """With the checksum that GitHub's tokens end in: CRC-32 in six digits of base 62."""
    body = _random(BASE62, 30)
    number, digits = zlib.crc32(body.encode()), ""
    for _ in range(6):
        number, digit = divmod(number, 62)
        digits = BASE62[digit] + digits
    return f"ghp_{body}{digits}"


def aws_key() -> tuple[str, str]:
    return "AKIA" + _random(string.ascii_uppercase + "234567", 16), base64.b64encode(secrets.token_bytes(30)).decode()


class Planted(NamedTuple):
    path: str
    content: bytes
    values: list[str]


def npmrc() -> Planted:
    token = f"{secrets.token_hex(4)}-{secrets.token_hex(2)}-4{secrets.token_hex(2)[1:]}-8{secrets.token_hex(2)[1:]}-{secrets.token_hex(6)}"
    return Planted(".npmrc", f"registry=https://registry.example/\n//registry.example/:_authToken={token}\n".encode(), [token])


def aws_credentials() -> Planted:
    key, secret = aws_key()
    return Planted("credentials", f"[default]\naws_access_key_id = {key}\naws_secret_access_key = {secret}\n".encode(), [key, secret])


def git_config() -> Planted:
    token = github_token()
    return Planted("gitconfig", f'[url "https://x-access-token:{token}@github.com/"]\n\tinsteadOf = https://github.com/\n'.encode(), [token])


def dotenv() -> Planted:
    value = _random(BASE62, 28) + "7q"
    return Planted(".env", f"PORT=8080\nAPI_SECRET={value}\n".encode(), [value])


ALL = (npmrc, aws_credentials, git_config, dotenv)
