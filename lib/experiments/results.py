"""What an experiment leaves behind: tidy files, from which tables and figures are made again."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import get_args

import pandas as pd

from lib.experiments.inputs import ViewName
from lib.files import write_whole
from lib.metrics import exact_match
from lib.profiles import DataError, Profile

PARTS = ("history", "exact", "logits")
KEYS = ["protocol", "arm", "seed"]
SIGNIFICANT = 0.05  # below it, a p tells a difference from chance
THESIS_SEEDS = (0,)  # the protocol `thesis` trains one


@dataclass(frozen=True)
class Results:
    """The numbers of an experiment's arms, under the protocols `thesis` and `clean`.

    Each table is indexed by `protocol`, `arm`, `seed`, the last two also by the `ann_id` of val's and test's
    people.

    history  one row per epoch: column `epoch`, losses, exact and partial match by split, and `test_people`,
             how many were averaged
    exact    whether a person is exactly matched, one boolean column per epoch, "1" and on
    logits   the verbs' logits at the epoch that the protocol chose, which is the column `epoch`
    """

    history: pd.DataFrame
    exact: pd.DataFrame
    logits: pd.DataFrame

    @property
    def made_of(self) -> str:
        """The fingerprint of what the results were made of: numbers, people and settings of every arm."""
        return self.history.attrs.get("made_of", "")

    @property
    def data(self) -> str:
        """The digest of the people and features that stood in the profile, see `digest_data`."""
        return self.history.attrs.get("data", "")

    @property
    def settings(self) -> dict[str, int]:
        """The number of training seeds, and of epochs."""
        seeds = self.history.xs("clean", level="protocol").index.unique("seed")
        return {"SEEDS": len(seeds), "EPOCHS": len(self.exact.columns)}

    @property
    def arm_names(self) -> pd.Index:
        """The arms that `clean` measured, in their order."""
        return self.logits.xs("clean", level="protocol").index.unique("arm")

    def marked(self, made_of: str, data: str) -> "Results":
        """Return the same with the fingerprint and the digest, which each of the files will bear."""
        tables = [table.copy(deep=False) for table in self._tables()]
        for table in tables:
            table.attrs |= {"made_of": made_of, "data": data}
        return Results(*tables)

    def save(self, profile: Profile, name: str) -> None:
        """Write `results/<name>_{exact,logits,history}.parquet`, each with the fingerprint."""
        for part in reversed(PARTS):
            with write_whole(_path(profile, name, part)) as temporary:
                getattr(self, part).to_parquet(temporary)

    def arms(self, *names: str) -> "Results":
        """Return the part that concerns some arms."""
        return Results(*(table[table.index.isin(names, level="arm")] for table in self._tables()))

    def renamed(self, names: Mapping[str, str]) -> "Results":
        """Return the same with other names of arms."""
        return Results(*(table.rename(index=names, level="arm") for table in self._tables()))

    def on(self, people: pd.Index) -> "Results":
        """Return the results on some of the people of test: the history's accuracy on test is theirs alone.

        What else the history says of test is left out; the epochs chosen stay as they were.
        """
        exact, logits = (table[table.index.isin(people, level="ann_id")] for table in self._tables()[1:])
        accuracy = exact.groupby(KEYS, sort=False).mean()
        accuracy = accuracy.melt(var_name="epoch", value_name="test_exact", ignore_index=False)
        accuracy = accuracy.astype({"epoch": int}).set_index("epoch", append=True)
        history = self.history.drop(columns=[name for name in self.history if name.startswith("test_")])
        history = history.set_index("epoch", append=True).join(accuracy).reset_index("epoch")
        return Results(history.assign(test_people=len(people)), exact, logits)

    def _tables(self) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
        return self.history, self.exact, self.logits


def join(*results: Results) -> Results:
    """Put results of different arms together."""
    return Results(*(pd.concat([getattr(one, part) for one in results]) for part in PARTS))


def results_from_logits(
    logits: Mapping[str, pd.DataFrame], people: pd.DataFrame, verbs: Sequence[str], epoch: int = 1
) -> Results:
    """Make results of the protocol `clean` out of logits of which no epoch is to be chosen.

    logits   by arm: one column per verb, indexed by the `ann_id` of val's and test's people, or test's alone;
             or by `seed` and `ann_id`
    people   indexed by `ann_id`, with `split` and the verbs
    epoch    the one that the results show
    """
    return join(*(_of_arm(arm, table, people, verbs, epoch) for arm, table in logits.items()))


def _of_arm(
    arm: str, logits: pd.DataFrame, people: pd.DataFrame, verbs: Sequence[str], epoch: int
) -> Results:
    """Tabulate the logits of one arm, and who is exactly matched."""
    if logits.index.nlevels == 1:
        logits = pd.concat({0: logits}, names=["seed"])
    logits = pd.concat({("clean", arm): logits[list(verbs)]}, names=["protocol", "arm"])
    ours = people.loc[logits.index.get_level_values("ann_id")]
    right = exact_match(logits.to_numpy(), ours[list(verbs)].to_numpy())
    exact = pd.DataFrame({str(epoch): right}, logits.index)
    parts = {split: exact[(ours["split"] == split).to_numpy()] for split in ours["split"].unique()}
    history = {f"{split}_exact": mine[str(epoch)].groupby(KEYS).mean() for split, mine in parts.items()}
    people_of_test = parts["test"].index.unique("ann_id").size
    history = pd.DataFrame(history).assign(epoch=epoch, test_people=people_of_test)
    return Results(history, exact, logits.assign(epoch=epoch))


def stored_results(profile: Profile, name: str) -> Results | None:
    """Load what `Results.save` wrote; DataError where it is damaged.

    None where it is absent, or the files are not of one save, which was killed between them.
    """
    try:
        tables = [pd.read_parquet(_path(profile, name, part)) for part in PARTS]
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        path = _path(profile, name, "*")
        raise DataError(f"{path}: cannot be read ({error}); delete these files and run again.") from None
    of_one_save = len({table.attrs.get("made_of") for table in tables}) == 1
    return Results(*tables) if of_one_save else None


def load_same(profile: Profile, name: str, made_of: str) -> Results | None:
    """Load stored results if they have this fingerprint, else None.

    Other people or features may stand in the profile since, of which these results have the same numbers:
    then they are kept as results of these.
    """
    stored, data = stored_results(profile, name), digest_data(profile)
    if stored is None or stored.made_of != made_of:
        return None
    if stored.data != data:
        stored = stored.marked(made_of, data)
        stored.save(profile, name)
    return stored


def load_results(profile: Profile, name: str, notebook: str, *, seeds: int, epochs: int) -> Results:
    """Load the results that a notebook saved.

    Raises DataError, naming the notebook, where they are absent, were trained with other seeds or epochs than
    these, or before people or features were made anew: no table mixes the two.
    """
    results = stored_results(profile, name)
    path, asked = _path(profile, name, "history"), {"SEEDS": seeds, "EPOCHS": epochs}
    if results is None:
        raise DataError(f"{path}: no such results; run notebook {notebook}.")
    if results.settings != asked:
        raise DataError(
            f"{path}: trained with {_listed(results.settings)}, asked are {_listed(asked)}; "
            f"run notebook {notebook} with these, or give those."
        )
    if results.data != digest_data(profile):
        raise DataError(f"{path}: made of other people or features than now; run notebook {notebook} again.")
    return results


def digest_data(profile: Profile) -> str:
    """Return a digest of the bytes of the files of people and of the views that experiments see, if there."""
    digest = hashlib.sha256()
    for path in (profile.people, *(profile.features / f"{view}.parquet" for view in get_args(ViewName))):
        if path.is_file():
            digest.update(path.name.encode())
            digest.update(path.read_bytes())
    return digest.hexdigest()


def _listed(settings: Mapping[str, int]) -> str:
    return ", ".join(f"{name} {value}" for name, value in settings.items())


def _path(profile: Profile, name: str, part: str) -> Path:
    return profile.results / f"{name}_{part}.parquet"
