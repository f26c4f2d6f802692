"""reconcile: one pass for one key, and what becomes of a pass that could not be finished."""

import structlog

from dcr_operator.act_registration import StepImpossibleError
from dcr_operator.kube import (
    OAUTH_CLIENTS,
    ApiAlreadyExists,
    ApiConflict,
    ApiError,
    ApiNotFound,
    ApiUnavailable,
    Key,
)
from dcr_operator.ports import Context, Result
from dcr_operator.reasons import Reason
from dcr_operator.reconcile_client import TooManyStepsError, patience, reconcile_client
from dcr_operator.reconcile_provider import reconcile_provider
from dcr_operator.reconcile_record import reconcile_record
from dcr_operator.record import RECORD_KIND
from dcr_operator.record_store import RecordNotWrittenError
from dcr_operator.reporting import report_internal_error

log = structlog.get_logger("dcr_operator")


async def reconcile(key: Key, context: Context) -> Result:
    """Make one pass; what a fault leaves half done, the next pass finds and completes."""
    try:
        if key.kind == OAUTH_CLIENTS.kind:
            return await reconcile_client(key, context)
        if key.kind == RECORD_KIND:
            return await reconcile_record(key, context)
        return await reconcile_provider(key, context)
    except (ApiConflict, ApiAlreadyExists, ApiNotFound) as error:
        # Someone else wrote between our look and our write: look again.
        log.info("conflict", key=str(key), detail=error.message)
        return Result(Reason.PROGRESSING.value, failed=True)
    except ApiUnavailable as error:
        log.warning("the API server does not answer", key=str(key), detail=error.message)
        return Result(Reason.INTERNAL_ERROR.value, patience(error.retry_after), failed=True)
    except (ApiError, RecordNotWrittenError, StepImpossibleError, TooManyStepsError) as error:
        log.error(  # noqa: TRY400 - a traceback says no more than the error itself
            "pass failed", key=str(key), reason=Reason.INTERNAL_ERROR.value, detail=str(error)
        )
        await report_internal_error(key, _words(error), context)
        return Result(Reason.INTERNAL_ERROR.value, failed=True)
    except Exception:
        await report_internal_error(key, "a fault of the operator; its log says more", context)
        raise


def _words(error: Exception) -> str:
    if isinstance(error, ApiError):
        return f"the API server refused a request of the operator: {error.reason} ({error.status})"
    return str(error) or "a fault of the operator; its log says more"
