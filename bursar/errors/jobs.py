"""What goes wrong with jobs."""

from __future__ import annotations

from bursar.errors.families import BursarError, Conflict, Transient


class JobNotRetriable(Conflict):
    """Only a failed, dead or cancelled job can be tried again."""

    code = "job_not_retriable"


class JobNotCancellable(Conflict):
    """The job has already ended."""

    code = "job_not_cancellable"


class JobCancelled(BursarError):
    """The job was cancelled while it ran."""

    code = "job_cancelled"


class LeaseLost(Transient):
    """Another worker has taken over this job."""

    code = "lease_lost"
