"""The feature store: one Parquet file per view, in a folder of any file system that pyarrow writes.

A file has one row per person, sorted by `ann_id`: who it is (`IDENTITY`), why it failed if it did, and the
features as fixed-size lists; its metadata say what they were made of. Until a run is whole, its results wait
in shards under `work/`. Every file appears whole or not at all.
"""

import hashlib
import json
import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from pyarrow import fs

from lib.coco import BOX
from lib.files import write_whole
from lib.profiles import DataError

# What tells that a stored row is still this person's: the box, the image's name and its size in bytes.
IDENTITY = ["image_id", "split", "file_name", "image_bytes", *BOX]
FAILURE = "failure"  # why a person has no features; missing where there are some


class FeatureStore:
    """Tables of features in a folder: a path, or an address such as `s3://bucket/features`.

    Raises DataError, with the path and the fix, where files cannot be read or written.
    """

    def __init__(self, folder: str | Path) -> None:
        if "://" in str(folder):
            self.folder = str(folder)
            self.filesystem, self.root = fs.FileSystem.from_uri(self.folder)
        else:
            self.folder = self.root = str(Path(folder).resolve())
            self.filesystem = fs.LocalFileSystem()

    @property
    def is_local(self) -> bool:
        """Whether the folder is on this machine's own file system."""
        return isinstance(self.filesystem, fs.LocalFileSystem)

    def __reduce__(self) -> tuple:  # Ray's workers open it themselves
        return FeatureStore, (self.folder,)

    def path(self, name: str) -> str:
        """Return where a view's table is."""
        return f"{self.root}/{name}.parquet"

    def read(self, name: str) -> pa.Table | None:
        """Return a view's table, or None where there is none."""
        return self._read(self.path(name))

    def write(self, name: str, table: pa.Table) -> None:
        """Write a view's table, sorted by `ann_id`, and remove its shards, those of other ingredients too."""
        self._write(self.path(name), table.sort_by("ann_id"))
        with self._reporting(self._work("")):
            for folder in self._list(self._work("")):
                if folder.base_name.rpartition("-")[0] == name:
                    self.filesystem.delete_dir(folder.path)

    def make_folder(self, work: str) -> None:
        """Make the folder of shards `work`; raises DataError before any work where it cannot be written."""
        with self._reporting(self._work(work)):
            self.filesystem.create_dir(self._work(work), recursive=True)
            probe = f"{self._work(work)}/.{uuid.uuid4().hex}"
            self.filesystem.open_output_stream(probe).close()
            self.filesystem.delete_file(probe)

    def shards(self, work: str) -> set[str]:
        """Return the keys of the finished shards in `work`."""
        with self._reporting(self._work(work)):
            files = self._list(self._work(work))
        return {file.base_name.removesuffix(".parquet") for file in files if file.base_name[0] != "."}

    def read_shard(self, work: str, key: str) -> pa.Table:
        """Return a finished shard; raises DataError where it is gone."""
        table = self._read(self._work(work, key))
        if table is None:
            raise DataError(f"{self._work(work, key)}: gone while it was needed; run again.")
        return table

    def write_shard(self, work: str, key: str, table: pa.Table) -> None:
        """Write one shard."""
        self._write(self._work(work, key), table)

    def _work(self, work: str, key: str = "") -> str:
        return f"{self.root}/work/{work}/{key}.parquet" if key else f"{self.root}/work/{work}".rstrip("/")

    def _list(self, folder: str) -> list[fs.FileInfo]:
        return self.filesystem.get_file_info(fs.FileSelector(folder, allow_not_found=True))

    def _read(self, path: str) -> pa.Table | None:
        try:
            return pq.read_table(path, filesystem=self.filesystem)
        except FileNotFoundError:
            return None
        except (OSError, pa.ArrowException) as error:
            raise DataError(f"{path}: cannot be read ({_brief(error)}); delete it and run again.") from None

    def _write(self, path: str, table: pa.Table) -> None:
        with self._reporting(path):
            if self.is_local:
                with write_whole(Path(path)) as whole:
                    pq.write_table(table, whole)
                return
            folder, _, base = path.rpartition("/")
            temporary = f"{folder}/.{uuid.uuid4().hex}.{base}"
            self.filesystem.create_dir(folder, recursive=True)
            try:
                pq.write_table(table, temporary, filesystem=self.filesystem)
                self.filesystem.move(temporary, path)
            finally:
                if self.filesystem.get_file_info(temporary).type is not fs.FileType.NotFound:
                    self.filesystem.delete_file(temporary)

    @contextmanager
    def _reporting(self, path: str) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise DataError(
                f"{path}: cannot be written ({_brief(error)}); free space or correct the rights and run "
                "again: what was finished is kept."
            ) from error


def _brief(error: Exception) -> str:
    return str(error).splitlines()[0].rstrip(".")


def to_arrow(
    people: pd.DataFrame,
    features: pd.DataFrame,
    groups: Mapping[str, Sequence[str]],
    ingredients: Mapping[str, object],
) -> pa.Table:
    """Join who people are and their features, aligned by position, into a table as it is stored.

    `people` has `IDENTITY` and `FAILURE`, indexed by `ann_id`; `features` float32 columns, NaN where missing.
    """
    columns = {"ann_id": pa.array(people.index.to_numpy(np.int64))}
    kinds = {
        "image_id": pa.int64(),
        "image_bytes": pa.int64(),
        "split": pa.string(),
        "file_name": pa.string(),
    }
    for name in IDENTITY:
        columns[name] = pa.array(people[name].to_list(), kinds.get(name, pa.float64()))
    columns[FAILURE] = pa.array(people[FAILURE], pa.string(), from_pandas=True)
    grouped = {name for names in groups.values() for name in names}
    for name in features.columns.difference(list(grouped), sort=False):
        columns[name] = pa.array(features[name].to_numpy(np.float32))
    for name, members in groups.items():
        values = np.ascontiguousarray(features[list(members)].to_numpy(np.float32))
        columns[name] = pa.FixedSizeListArray.from_arrays(pa.array(values.ravel()), len(members))
    metadata = {
        "ingredients": as_json(ingredients),
        "columns": json.dumps({k: list(v) for k, v in groups.items()}),
    }
    return pa.table(columns).replace_schema_metadata(metadata)


def to_frame(table: pa.Table) -> pd.DataFrame:
    """Return the features of a stored table, float32, one row per `ann_id`, lists spread into columns."""
    parts: dict[str, pd.DataFrame | pd.Series] = {}
    groups = json.loads(table.schema.metadata[b"columns"])
    for name in table.column_names:
        if name in groups:
            values = table[name].combine_chunks().flatten().to_numpy(zero_copy_only=False)
            values = values.reshape(len(table), -1)
            parts |= {name: pd.DataFrame(values, columns=groups[name])}
        elif name not in ("ann_id", FAILURE, *IDENTITY):
            parts |= {name: table[name].to_pandas().rename(name)}
    features = pd.concat(parts.values(), axis="columns")
    return features.set_axis(pd.Index(table["ann_id"].to_numpy(), name="ann_id"))


def made_of(table: pa.Table) -> dict[str, object]:
    """Return the ingredients that a stored table was made of."""
    return json.loads((table.schema.metadata or {}).get(b"ingredients", b"{}"))


def fingerprint(*contents: object) -> str:
    """Return a short digest of things that JSON can say."""
    return hashlib.sha256(as_json(contents).encode()).hexdigest()[:20]


def as_json(content: object) -> str:
    """Write JSON that is the same for equal contents."""
    return json.dumps(content, sort_keys=True, ensure_ascii=True)
