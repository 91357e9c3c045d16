"""Runs of the travel planner: what its models answer, and what goes wrong."""

from functools import partial

from tests.scenarios.traces.diagnoses.unseen.case import Case, Line, Place, Truth, call, text
from tests.scenarios.traces.diagnoses.unseen.programs.travel import AsksForAnyRoom, TravelCrew

SCOUT, HOTEL = "fare scout", "hotel scout"
FARE_CALL = call(
    SCOUT,
    "search_fares",
    "I look for fares from Berlin (BER) to Lisbon (LIS).",
    origin="BER",
    destination="LIS",
    day="12 May",
)
ANY_ROOM = call(HOTEL, "search_hotels", city="Lisbon", district="Alfama", step_free=False)
BELEM = call(HOTEL, "search_hotels", city="Lisbon", district="Belém", step_free=True)
HEALTHY: dict[str, tuple[Line, ...]] = {
    "concierge": (
        text(
            "concierge",
            "Two guests fly from Berlin to Lisbon and stay three nights, 12 to 15 May. They spend"
            " at most 1,400 EUR in all. The hotel must be step-free and have a lift, because one"
            " guest uses a wheelchair.",
        ),
    ),
    SCOUT: (FARE_CALL, text(SCOUT, "TAP at 09:40, 168 EUR per person, return.")),
    HOTEL: (
        text(HOTEL, "Solar do Rio in Belém, 124 EUR per night, with a lift.", "Solar do Rio"),
        text(HOTEL, "Casa Alta in Alfama, 98 EUR per night.", "Casa Alta"),
        BELEM | {"when": "step-free and have a lift"},
        ANY_ROOM,
    ),
    "planner": (
        text(
            "planner",
            "Fly with TAP at 09:40: two fares of 168 EUR are 336 EUR. Stay at the Solar do Rio in"
            " Belém, which has a lift: three nights at 124 EUR are 372 EUR. In all 708 EUR.",
            "Solar do Rio",
        ),
        text(
            "planner",
            "Fly with TAP at 09:40: two fares of 168 EUR are 336 EUR. Stay at the Casa Alta in"
            " Alfama: three nights at 98 EUR are 294 EUR. In all 630 EUR.",
            "Casa Alta",
        ),
    ),
}
FARE_OF_BOTH = (FARE_CALL, text(SCOUT, "TAP at 09:40, 168 EUR for both guests, return."))
INVENTED_HOTEL = (BELEM, text(HOTEL, "Hotel Miradouro in Belém, 118 EUR per night, with a lift."))
MISREAD_FARE = Truth(
    "a price per person is taken for the price of both",
    (SCOUT,),
    (Place("LLM", "168 EUR for both", SCOUT),),
    ("tool-output misreading",),
)
MADE_UP_HOTEL = Truth(
    "the search finds no hotel, and the agent names one",
    (HOTEL,),
    (Place("LLM", "Miradouro", HOTEL), Place("TOOL", "search_hotels", HOTEL)),
    ("hallucination after an empty tool result", "invented values"),
)
case = partial(Case, "travel planner (CrewAI)")
CASES = (
    case("goes well", TravelCrew().run, HEALTHY),
    case(
        "the first district has no room, the second has one",
        TravelCrew().run,
        HEALTHY
        | {
            HOTEL: (
                call(HOTEL, "search_hotels", city="Lisbon", district="Baixa", step_free=True),
                BELEM,
                text(HOTEL, "No room in Baixa. Solar do Rio in Belém: 124 EUR per night, a lift."),
            )
        },
    ),
    case(
        "a fare per person becomes the fare of both",
        TravelCrew().run,
        HEALTHY
        | {
            SCOUT: FARE_OF_BOTH,
            "planner": (
                text(
                    "planner",
                    "Fly with TAP at 09:40 for 168 EUR for both. Stay at the Solar do Rio in"
                    " Belém: three nights at 124 EUR are 372 EUR. In all 540 EUR.",
                ),
            ),
        },
        (MISREAD_FARE,),
    ),
    case(
        "the hotel scout does not learn of the wheelchair",
        AsksForAnyRoom().run,
        HEALTHY,
        (
            Truth(
                "a requirement is missing from the prompt of the agent that must meet it",
                ("concierge", HOTEL),
                (Place("HANDOFF", "concierge → hotel scout"),),
                ("information withholding", "context decay"),
            ),
        ),
    ),
    case(
        "no hotel is found, and one is named",
        TravelCrew(hotels={}).run,
        HEALTHY
        | {
            HOTEL: INVENTED_HOTEL,
            "planner": (
                text(
                    "planner",
                    "Fly with TAP at 09:40: two fares of 168 EUR are 336 EUR. Stay at the Hotel"
                    " Miradouro: three nights at 118 EUR are 354 EUR. In all 690 EUR.",
                ),
            ),
        },
        (MADE_UP_HOTEL,),
    ),
    case(
        "the scout says Lisbon and asks for Lima",
        TravelCrew().run,
        HEALTHY
        | {
            SCOUT: (
                call(
                    SCOUT,
                    "search_fares",
                    "I look for fares from Berlin (BER) to Lisbon (LIS).",
                    origin="BER",
                    destination="LIM",
                    day="12 May",
                ),
                text(SCOUT, "Iberia at 06:15, 942 EUR per person."),
            ),
            "planner": (
                text(
                    "planner",
                    "Fly with Iberia at 06:15: two fares of 942 EUR are 1,884 EUR, which is above"
                    " the budget. The Solar do Rio in Belém is 124 EUR per night.",
                ),
            ),
        },
        (
            Truth(
                "the call asks for another city than the text beside it",
                (SCOUT,),
                (Place("LLM", "LIM", SCOUT), Place("TOOL", "LIM", SCOUT)),
                ("reasoning-action mismatch",),
            ),
        ),
    ),
    case(
        "combined: the fare is misread, and a hotel made up",
        TravelCrew(hotels={}).run,
        HEALTHY
        | {
            SCOUT: FARE_OF_BOTH,
            HOTEL: INVENTED_HOTEL,
            "planner": (
                text(
                    "planner",
                    "Fly with TAP at 09:40 for 168 EUR for both. Stay at the Hotel Miradouro:"
                    " three nights at 118 EUR are 354 EUR. In all 522 EUR.",
                ),
            ),
        },
        (MISREAD_FARE, MADE_UP_HOTEL),
    ),
)
