"""A hiring shortlist, a hierarchical CrewAI crew: a manager delegates to three coworkers."""

import json

from crewai import Crew, Process, Task
from crewai.tools import tool

from scenarios.replay.replay_server import ReplayServer
from tests.scenarios.traces.diagnoses.unseen.programs.crew_member import crew_member

REQUEST = (
    "Shortlist the applicants for the post of data engineer who have at least five years of"
    " experience and a work permit."
)
CVS = {
    "A-17": {"name": "Ada Novak", "years": 9, "work_permit": True},
    "A-22": {"name": "Ben Ortiz", "years": 4, "work_permit": True},
    "A-31": {"name": "Chen Li", "years": 6, "work_permit": True},
    "A-40": {"name": "Dora Weiss", "years": 8, "work_permit": False},
}


class Hiring:
    """Lets a manager delegate the listing, the screening and the writing."""

    def __init__(self, converting: str = "") -> None:
        self.converting = {converting}

    def run(self, replay: ReplayServer) -> str:
        waiting = self.converting.copy()

        @tool("list_applicants")
        def list_applicants(post: str) -> str:
            """List the numbers of the applicants for a post."""
            return ", ".join(CVS)

        @tool("read_cv")
        def read_cv(applicant: str) -> str:
            """Read the CV of an applicant, by number."""
            if applicant in waiting:
                waiting.remove(applicant)
                return "The CV is being converted. Read it again in a moment."
            return json.dumps({"applicant": applicant, **CVS[applicant]})

        read_cv.cache_function = lambda *_: False
        manager = crew_member(replay, "manager", "Have the work done", "You delegate.")
        manager.allow_delegation = True
        sourcer = crew_member(replay, "sourcer", "Know applicants", "You list.", list_applicants)
        screener = crew_member(replay, "screener", "Check CVs", "You read closely.", read_cv)
        writer = crew_member(replay, "writer", "Write shortlists", "You write.")
        task = Task(name="shortlist", description=REQUEST, expected_output="The shortlist.")
        crew = Crew(
            name="hiring",
            agents=[sourcer, screener, writer],
            tasks=[task],
            process=Process.hierarchical,
            manager_agent=manager,
        )
        return str(crew.kickoff())
