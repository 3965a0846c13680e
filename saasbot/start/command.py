"""The commands: `run` goes from nothing to a served app, `stop` ends what it left in the background, others operate."""

import argparse
import compileall
import os
import socket
import sys
import time

from saasbot.infra.key_check import keep_word
from saasbot.infra.migrations import migrate
from saasbot.infra.roles import embedded_cluster, libpq_url, prepare_database
from saasbot.infra.settings import Settings, settings
from saasbot.infra.start_error import StartError
from saasbot.start import frontend, processes
from saasbot.start.demo import start_seeding
from saasbot.start.operate import COMMANDS, OF_AN_ACCOUNT, operate
from saasbot.start.run_lock import RunLock


def main(arguments: list[str]) -> int:
    """Run one command; the answer is the exit code. What is in the way is told in a line, without a traceback."""
    parser = argparse.ArgumentParser(prog="python -m saasbot", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    run_parser = commands.add_parser("run", help="prepare everything and serve")
    run_parser.add_argument("--stop-with-parent", action="store_true", help="end when the starting process is gone")
    commands.add_parser("stop", help="stop the server and the embedded database of this data directory")
    for name, help in {**COMMANDS, **OF_AN_ACCOUNT}.items():
        parser_of_it = commands.add_parser(name, help=help)
        if name in OF_AN_ACCOUNT:
            parser_of_it.add_argument("email")
    chosen = parser.parse_args(arguments)
    try:
        if chosen.command == "stop":
            stop(settings())
        elif chosen.command == "run":
            run(settings(), stop_with_parent=chosen.stop_with_parent)
        else:
            say(operate(settings(), chosen.command, getattr(chosen, "email", "")))
    except StartError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    except KeyboardInterrupt:
        return 130
    return 0


def run(chosen: Settings, *, stop_with_parent: bool = False) -> None:
    """Prepare everything, then become the server; returns only by an exception.

    Raises:
        StartError: something outside the program is in the way.
    """
    began = time.monotonic()
    if stop_with_parent:
        processes.end_with_parent()
    os.chdir(frontend.ROOT)
    lock = RunLock(chosen.data_dir)
    lock.acquire()
    _check_port(chosen)
    compileall.compile_dir("saasbot", quiet=2)  # also where Python is told to write no bytecode: a start reads it twice
    say("Starting the database")
    urls = prepare_database(chosen)
    say("Bringing the schema up to date")
    first_start = migrate(urls.owner)
    keep_word(libpq_url(urls.owner), chosen.keys[0])
    seeding = start_seeding(hold_logins=first_start) if chosen.demo else None
    if frontend.is_current(chosen):
        say("The pages are built already")
    else:
        say("Building the pages (the first time about half a minute)")
        frontend.build(chosen)
    logins = ""
    if seeding and first_start:  # later starts do not wait for what is there already
        logins, _ = seeding.communicate()
        if seeding.returncode != 0:
            raise StartError("The demo company could not be made: the lines above say why.")
    say(f"Prepared in {time.monotonic() - began:.1f} s. Serving on {chosen.public_url}")
    if logins:
        say(logins.rstrip("\n"))
    sys.stdout.flush()
    arguments = [sys.executable, "-m", "saasbot.start.server", chosen.host, str(chosen.port)]
    os.execve(sys.executable, arguments, frontend.tool_environment(chosen))  # noqa: S606 - we become the server


def stop(chosen: Settings) -> None:
    """Afterwards neither the server nor the embedded database of this data directory runs.

    Raises:
        StartError: one of them does not stop.
    """
    if RunLock(chosen.data_dir).end_holder():
        say("The server stopped")
    if chosen.database_url.get_secret_value():
        return
    cluster = embedded_cluster(chosen)
    if cluster.is_running():
        cluster.stop()
        say("The database stopped")


def say(line: str) -> None:
    """Progress for whoever started us."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def _check_port(chosen: Settings) -> None:
    with socket.socket(socket.AF_INET6 if ":" in chosen.host else socket.AF_INET) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((chosen.host, chosen.port))
        except PermissionError:
            raise StartError(f"SAASBOT_PORT: only root may open port {chosen.port}; choose one above 1023.") from None
        except OSError as error:
            raise StartError(
                f"SAASBOT_PORT: {chosen.host} port {chosen.port} cannot be opened ({error.strerror}); "
                "stop what uses it or choose another."
            ) from None
