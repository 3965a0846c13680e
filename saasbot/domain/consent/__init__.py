"""Who agreed to what: people to the terms of this service, customers to a company's own text. Every yes and every no is a row that
names the version of the text, the moment and the address."""
