"""What customers write arrives in the inbox as what it is."""

from tests.fixtures.simulator import RunningSimulator


async def test_a_customer_writes_and_the_inbox_has_it(running_simulator: RunningSimulator):
    wa_id = await running_simulator.write("Hola, ¿cuánto cuestan las zapatillas rojas?")
    (message,) = await running_simulator.arrived()
    assert (message.wa_id, message.text, message.author) == (
        wa_id,
        "Hola, ¿cuánto cuestan las zapatillas rojas?",
        "customer",
    )
