"""What one running node stands on, made once by the composition root and handed down. Opens nothing by itself later."""

from dataclasses import dataclass

from api.kit.blobs import Blobs
from api.kit.clock import Clock, system_clock
from api.kit.db import Database
from api.kit.settings import Settings
from api.kit.vault import Vault, open_vault


@dataclass(frozen=True)
class Node:
    """Settings, database, vault, picture store and clock."""

    settings: Settings
    db: Database
    vault: Vault
    blobs: Blobs
    clock: Clock

    def close(self) -> None:
        self.db.close()


def open_node(settings: Settings, *, clock: Clock = system_clock) -> Node:
    """Open the home folder; a key is made only where no sealed picture exists yet. Raises KeyMissing."""
    settings.home.mkdir(parents=True, exist_ok=True, mode=0o700)
    pictures = settings.home / "blobs"
    key_file = settings.master_key_file or settings.home / "keys" / "master.key"
    vault = open_vault(key_file, may_create=not pictures.exists())
    pictures.mkdir(exist_ok=True, mode=0o700)
    return Node(settings, Database(settings.effective_database_url), vault, Blobs(pictures, vault), clock)
