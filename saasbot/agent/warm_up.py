"""Pay the price of first use (imports, schemas, connection pools) before a customer waits for it."""

from saasbot.agent.choice import DEMO_MODEL, ModelChoice
from saasbot.agent.model import Models, Question
from saasbot.agent.tools import SCHEMAS
from saasbot.models import AiSource


async def warm_up(models: Models) -> None:
    """Ask the demo model, in this process, once. Afterwards the first turn is as fast as the second."""
    question = Question([{"role": "user", "content": "hola"}], SCHEMAS)
    await models.ask(ModelChoice(AiSource.DEMO, DEMO_MODEL), question)
