"""The entities of the API, one module each. Importing a module registers its entity; a new one is added here."""

from startdeliver.api.entities import customer, user, field  # noqa: F401, I001  (order of the docs)
from startdeliver.api.entities import usage, product, ticket, workflow, assessment, skip, syncrun, member  # noqa: F401
