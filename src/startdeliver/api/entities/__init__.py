"""The entities of the API, one module each. A new one is added here; the order is that of the docs."""

from startdeliver.api.entities.assessment import ASSESSMENT
from startdeliver.api.entities.customer import CUSTOMER
from startdeliver.api.entities.field import FIELD
from startdeliver.api.entities.member import MEMBER
from startdeliver.api.entities.product import PRODUCT, USAGE_TYPE
from startdeliver.api.entities.skip import SKIP
from startdeliver.api.entities.syncrun import SYNCRUN
from startdeliver.api.entities.ticket import TICKET
from startdeliver.api.entities.usage import USAGE
from startdeliver.api.entities.user import USER
from startdeliver.api.entities.workflow import ENROLMENT, WORKFLOW

ENTITIES = (
    CUSTOMER,
    USER,
    FIELD,
    USAGE,
    USAGE_TYPE,
    PRODUCT,
    TICKET,
    WORKFLOW,
    ENROLMENT,
    ASSESSMENT,
    SKIP,
    SYNCRUN,
    MEMBER,
)
