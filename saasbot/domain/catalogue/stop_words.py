"""Words around the thing that a customer asks for, folded: alone they find nothing worth finding."""

STOP_WORDS = frozenset(
    """
    a al algun alguna algunas algunos con cual cuales cuanto cuantos cuanta cuantas cuesta cuestan de del el ella en es esa
    ese eso esta este esto hay hola la las le les lo los me mi mis muy no o para pero por precio precios que quiero quisiera
    se si sin son su sus tambien te tenes tenemos tener tiene tienen tienes tu un una unas uno unos vale valen vende venden
    y ya
    an and any are at can cost costs do does for got have hello hi how i in is it me much my of on or price prices sell
    some the there to want what which with you your
    """.split()  # noqa: SIM905  # to be read and added to by people
)
