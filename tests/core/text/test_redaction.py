"""Secrets are redacted, other text is kept."""

from __future__ import annotations

import time

import pytest

from bridge_core.text.redaction import redact_secrets


@pytest.mark.parametrize(
    ("text", "hidden"),
    [
        ("postgresql://bridge:hunter22@db/x", "postgresql://bridge:[hidden]@db/x"),
        ("redis://:hunter22@host", "redis://:[hidden]@host"),
        ("Authorization: Bearer abc.def", "Authorization: Bearer [hidden]"),
        ("LUMAAI_API_KEY=luma-1234", "LUMAAI_API_KEY=[hidden]"),
        ('{"api_key": "abcdefgh"}', '{"api_key": "[hidden]"}'),
        (
            "https://host/f?X-Amz-Signature=abcd1234&w=2",
            "https://host/f?X-Amz-Signature=[hidden]&w=2",
        ),
        ("postgresql://u:pa/ss@db:5432/x", "postgresql://u:[hidden]@db:5432/x"),
        ("postgresql://u:p@ss@db/x and on", "postgresql://u:[hidden]@db/x and on"),
        ("https://a/b,https://u:p@h", "https://a/b,https://u:[hidden]@h"),
        ("https://a/b?next=https://u:p@h", "https://a/b?next=https://u:[hidden]@h"),
        ("https://0123abcd@git.studio/x", "https://[hidden]@git.studio/x"),
        ("key_0123456789abcdef0123", "[hidden]"),
        ("ghp_0123456789abcdefABCDEF0123456789abcd", "[hidden]"),
        ("github_pat_0123456789abcdefABCDEF_0123456789", "[hidden]"),
        ("hf_abcdefghijABCDEFGHIJabcdefghijABCD", "[hidden]"),
        ("r8_abcdefghijABCDEFGHIJabcdefghijABCD", "[hidden]"),
        ("AIzaSyA0123456789abcdefghijABCDEFGHIJ-_", "[hidden]"),
        ("luma-0123abcd-0123-4567-89ab-0123456789ab-0123", "[hidden]"),
        ("eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.c2lnbmF0dXJl", "[hidden]"),
        ("AKIAABCDEFGHIJKLMNOP", "[hidden]"),
    ],
)
def test_secrets_are_redacted(text: str, hidden: str) -> None:
    assert redact_secrets(text) == hidden
    assert redact_secrets(hidden) == hidden


@pytest.mark.parametrize(
    "text",
    [
        "set client.token_file to /home/anna/token.txt",
        "client.token_file: /studio/gateway.token",
        "others may read the token of this user's gateway",
        "http://gateway.studio:8080/v1/about",
        "https://studio/shows/bunny@v002 of anna@studio",
        "a half_res luma-matte for the hf_details",
        "frames 1001-1010 of BBB_0010, sRGB - Display",
    ],
)
def test_other_text_is_kept(text: str) -> None:
    assert redact_secrets(text) == text


@pytest.mark.parametrize(
    "text", ["x" * 200_000, "a." * 100_000, "key=" * 50_000, "a://" * 50_000, ",a://" * 40_000]
)
def test_long_texts_are_fast(text: str) -> None:
    started = time.thread_time()  # CPU time, not waiting time
    redact_secrets(text)
    assert time.thread_time() - started < 20
