"""A travel planner, a CrewAI crew in sequence: concierge, fare scout, hotel scout, planner."""

import json
from collections.abc import Mapping

from crewai import Crew, Task
from crewai.tools import tool

from scenarios.replay.replay_server import ReplayServer
from tests.scenarios.traces.diagnoses.unseen.programs.crew_member import crew_member

REQUEST = (
    "Plan a trip from Berlin to Lisbon for two people, 12 to 15 May, for at most 1,400 EUR in all."
    " One of us uses a wheelchair."
)
FARES = {
    ("BER", "LIS"): {"airline": "TAP", "departs": "09:40", "price": 168, "per": "person, return"},
    ("BER", "LIM"): {"airline": "Iberia", "departs": "06:15", "price": 942, "per": "person"},
}
HOTELS = {
    ("Belém", True): {"hotel": "Solar do Rio", "rate": 124, "per": "room and night", "lift": True},
    ("Alfama", False): {"hotel": "Casa Alta", "rate": 98, "per": "room and night", "lift": False},
}


class TravelCrew:
    """Plans a trip: each scout reads what the concierge wrote, the planner reads all of them."""

    def __init__(self, hotels: Mapping[tuple[str, bool], object] = HOTELS) -> None:
        self.hotels = hotels

    def run(self, replay: ReplayServer) -> str:
        @tool("search_fares")
        def search_fares(origin: str, destination: str, day: str) -> str:
            """Search fares between two airports, by their codes."""
            return json.dumps([{**FARES[origin, destination], "currency": "EUR", "day": day}])

        @tool("search_hotels")
        def search_hotels(city: str, district: str, step_free: bool) -> str:
            """Search free double rooms in a district."""
            hotel = self.hotels.get((district, step_free))
            return json.dumps([hotel] if hotel else [], ensure_ascii=False)

        concierge = crew_member(replay, "concierge", "Know what the guests need", "You listen.")
        fares = crew_member(replay, "fare scout", "Find fares", "You compare.", search_fares)
        hotels = crew_member(replay, "hotel scout", "Find rooms", "You compare.", search_hotels)
        planner = crew_member(replay, "planner", "Write the plan", "You are exact.")
        needs = Task(
            name="needs",
            description=f"Write down what these guests need: {REQUEST}",
            expected_output="All requirements.",
            agent=concierge,
        )
        fare = Task(
            name="fare",
            description="Find the fare for these guests.",
            expected_output="Airline, time and price.",
            agent=fares,
            context=[needs],
        )
        room = Task(
            name="room",
            description="Find a double room in Lisbon, 12 to 15 May, for these guests.",
            expected_output="Hotel and rate.",
            agent=hotels,
            context=self.room_context(needs),
        )
        plan = Task(
            name="plan",
            description="Write the plan with its total price.",
            expected_output="A plan.",
            agent=planner,
            context=[needs, fare, room],
        )
        tasks = [needs, fare, room, plan]
        crew = Crew(name="travel", agents=[concierge, fares, hotels, planner], tasks=tasks)
        return str(crew.kickoff())

    def room_context(self, needs: Task) -> list[Task]:
        return [needs]


class AsksForAnyRoom(TravelCrew):
    """The mistake: the hotel scout is not given what the concierge wrote."""

    def room_context(self, needs: Task) -> list[Task]:
        return []
