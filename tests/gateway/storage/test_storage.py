"""Another blob store is one class, which nothing but ``Storage`` has to know."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterable, AsyncIterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from job_helpers import harness, running_runtime, wait_for_job

from bridge_core.models.jobs import JobState
from bridge_core.models.media import ContentAddress, ContentState
from bridge_gateway.storage import storage


class BucketBlobs:
    """Uploads that are not on this machine's disk; each is fetched when it is first needed."""

    def __init__(self, folder: Path, *_: Any, **__: Any) -> None:
        self.bucket: dict[str, bytes] = {}
        self._cache = folder / "cache"
        self._cache.mkdir(parents=True)

    def states(self, addresses: Sequence[ContentAddress]) -> list[ContentState]:
        sizes = [(one.sha256, len(self.bucket.get(one.sha256, b""))) for one in addresses]
        return [
            ContentState(sha256=sha256, offset=size, complete=sha256 in self.bucket)
            for sha256, size in sizes
        ]

    async def append(
        self, sha256: str, offset: int, length: int, chunks: AsyncIterable[bytes]
    ) -> ContentState:
        self.bucket[sha256] = b"".join([chunk async for chunk in chunks])
        return ContentState(sha256=sha256, offset=offset + length, complete=True)

    def find(self, sha256: str) -> Path | None:
        if sha256 not in self.bucket:
            return None
        path = self._cache / sha256
        if not path.exists():
            path.write_bytes(self.bucket[sha256])
        return path

    def discard(self, sha256: str) -> None:
        del self.bucket[sha256]


def test_uploaded_files_in_another_store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(storage, "BlobStore", BucketBlobs)
    pattern = harness.write_plate(tmp_path, frames=2)
    given = harness.submission(pattern, frames=2)
    with running_runtime(tmp_path) as runtime:
        blobs: Any = runtime.gateway.storage.blobs
        sent = []
        for file in given.plate_files:
            data = Path(file.path).read_bytes()
            digest = hashlib.sha256(data).hexdigest()

            async def chunks(data: bytes = data) -> AsyncIterator[bytes]:
                yield data

            asyncio.run(blobs.append(digest, 0, len(data), chunks()))
            sent.append(file.model_copy(update={"path": f"/c/{file.frame}", "sha256": digest}))
        uploaded = given.model_copy(update={"plate_files": tuple(sent)})
        job, _ = runtime.jobs.submit(uploaded, "key-00000001", harness.PRINCIPAL)
        ended = wait_for_job(runtime, job)
        assert ended.state is JobState.SUCCEEDED, ended.problem
        assert len(runtime.results.list_versions()) == 1

        damaged = str(sent[1].sha256)
        blobs.find(damaged).write_bytes(b"damaged")
        job, _ = runtime.jobs.submit(uploaded, "key-00000002", harness.PRINCIPAL)
        problem = wait_for_job(runtime, job).problem
        assert problem is not None and problem.code == "transfer"
        assert damaged not in blobs.bucket, "the next upload sends it again"
