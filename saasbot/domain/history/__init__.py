"""Earlier chats: what a phone hands over when it links a number, stored as what is over: nobody is asked or alarmed."""
