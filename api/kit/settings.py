"""Settings, read once from the environment (prefix LIGHTHOUSE_) and frozen. Never read anywhere else."""

from pathlib import Path
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from facematch.bundle import default_models_dir, default_weights_dir


def _split(names: object) -> object:
    """Names in their order, each once."""
    given = names.split(",") if isinstance(names, str) else list(names) if isinstance(names, list | tuple) else []
    return tuple(dict.fromkeys(str(name).strip() for name in given if str(name).strip()))


Names = Annotated[tuple[str, ...], NoDecode, BeforeValidator(_split)]  # in the environment: opencv-zoo,buffalo_sc


class Settings(BaseSettings):
    """Every knob of a node; the description is what README and `lighthouse doctor` say of it."""

    model_config = SettingsConfigDict(env_prefix="LIGHTHOUSE_", frozen=True, extra="forbid")

    home: Path = Field(Path("var"), description="folder of database, pictures, keys and index snapshots")
    database_url: str = Field(
        "", description="empty: SQLite in the home folder; or postgresql://user:password@host/name"
    )
    node_domain: str = Field("localhost", description="domain of this node, carried by every public id")
    master_key_file: Path | None = Field(
        None, description="file of the key-encryption key; keep it on another disk in production"
    )

    bundles: Names = Field(
        ("opencv-zoo",),
        min_length=1,
        description="weights to use side by side, folder names under models/ separated by commas; the first one leads",
    )
    models_dir: Path = Field(default_factory=default_models_dir, description="folder of bundle manifests")
    weights_dir: Path = Field(default_factory=default_weights_dir, description="folder of fetched weights")
    device: str = Field(
        "cpu", pattern=r"^(cpu|(cuda|tensorrt)(:\d+)?)$", description="where faces are found and templates computed"
    )
    threads: int = Field(0, ge=0, description="threads of the engine, 0: as many as cores")
    index_engine: Literal["flat", "milvus", "milvus-hnsw"] = Field(
        "flat", description="search engine of the gallery: in this process; on a Milvus server, exact or approximate"
    )
    index_device: Literal["cpu", "cuda"] = Field("cpu", description="where the gallery is searched")
    milvus_uri: str = Field(
        "http://localhost:19530", description="address of the Milvus server, or a file ending in .db for one process"
    )
    milvus_token_file: Path | None = Field(None, description="file with user:password or the key of the Milvus server")
    milvus_timeout_s: float = Field(10, gt=0, description="seconds until a call of the Milvus server is given up")

    host: str = Field("127.0.0.1", description="address to listen on")
    port: int = Field(8400, ge=0, le=65535, description="port to listen on")
    https_only: bool = Field(False, description="mark cookies Secure; set it behind TLS")
    embedded_worker: bool = Field(True, description="let `lighthouse serve` also do the waiting work")
    poll_interval_s: float = Field(1.0, gt=0, description="seconds between looks for waiting work and changes")
    job_lease_s: float = Field(300, gt=0, description="seconds until work of a worker that died is given to another")

    session_hours: float = Field(12, gt=0, description="hours until a sign-in ends")
    idle_minutes: float = Field(15, gt=0, description="minutes of silence until a sign-in ends")
    password_min_length: int = Field(15, ge=15, description="characters a password must have")
    lockout_failures: int = Field(5, ge=1, description="wrong passwords until an account is locked")
    lockout_minutes: float = Field(15, gt=0, description="minutes an account stays locked")

    upload_limit_mb: int = Field(20, ge=1, le=20, description="megabytes of one picture")
    photos_per_person: int = Field(50, ge=1, description="pictures one person may have")
    candidates_per_search: int = Field(20, ge=1, le=20, description="persons shown for one search")
    candidate_floor_log10_lr: float = Field(1.0, description="log10 likelihood ratio below which nobody is proposed")
    standing_floor_log10_lr: float = Field(2.0, description="the same for standing searches, which nobody asked for")
    follow_up_days: tuple[int, ...] = Field(
        (7, 30, 90), description="days after the handover on which somebody looks in"
    )
    exclusion_days: int = Field(365, ge=1, description="days until a rejected pair may be looked at again")
    review_days: int = Field(3, ge=1, description="days an invited expert has")

    @property
    def effective_database_url(self) -> str:
        """The URL SQLAlchemy gets: the driver named, SQLite placed in the home folder."""
        if not self.database_url:
            return f"sqlite:///{self.home / 'lighthouse.sqlite'}"
        return self.database_url.replace("postgresql://", "postgresql+psycopg://", 1)
