"""What goes wrong with jobs."""

from __future__ import annotations

from bursar.errors.families import BursarError, Conflict, Transient


class JobNotRetriable(Conflict):
    """Only a failed, dead or cancelled job can be tried again."""

    code = "job_not_retriable"


class JobNotCancellable(Conflict):
    """The job has already ended."""

    code = "job_not_cancellable"


class PeriodEndRunning(Conflict):
    """A run of this kind waits or works already; look at the jobs of its kind."""

    code = "period_end_running"


class JobCancelled(BursarError):
    """The job was cancelled while it ran."""

    code = "job_cancelled"


class LeaseLost(Transient):
    """Another worker has taken over this job."""

    code = "lease_lost"
