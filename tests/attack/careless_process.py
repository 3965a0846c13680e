"""A process of the runtime that hands to the log what it must not, and dies of an error that nobody catches. For tests."""

import logging
import threading

from saasbot.infra import logging as ours
from saasbot.wa_runtime.process import AppLink

WORDS, PHONE = "the canary sings at midnight", "5491177778888"
QR = "2@cAnArYcAnArYcAnArY0123,abc+def=,ghi/jkl=,mno"


def careless() -> None:
    raise ValueError(f"careless: {{'text': '{WORDS}', 'jid': '{PHONE}@s.whatsapp.net'}} {QR}")


def main() -> None:
    AppLink()
    ours.configure(json=True)
    ours.log_uncaught()
    logging.getLogger("whatsmeow").warning("careless: pair with %s from %s", QR, PHONE)
    thread = threading.Thread(target=careless)
    thread.start()
    thread.join()
    careless()


if __name__ == "__main__":
    main()
