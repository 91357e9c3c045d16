"""Finance crews whose manager assigns the tasks, and what it is told about its coworkers."""

from crewai import Agent

from workflows.crew_finance import FinanceCrew
from workflows.support.clients.crewai import list_tools, make_manager


class ManagerSeesNamesOnly(FinanceCrew):
    """The mistake: the manager's prompt lists the coworkers, but not which tools they have."""

    def build_manager(self, agents: list[Agent]) -> Agent:
        coworkers = [agent.role for agent in agents]
        return make_manager(self.model, "\n".join(coworkers))


class ManagerSeesTools(FinanceCrew):
    """The fix: the manager's prompt lists the tools of each coworker."""

    def build_manager(self, agents: list[Agent]) -> Agent:
        tools = list_tools(agents)
        coworkers = [f"{role} has {', '.join(own) or 'no tool'}" for role, own in tools.items()]
        return make_manager(self.model, "\n".join(coworkers))


class ManagerReassignsTasks(FinanceCrew):
    """The twin: the prompt lists names only, but a rule makes the manager try another coworker."""

    def build_manager(self, agents: list[Agent]) -> Agent:
        coworkers = [agent.role for agent in agents]
        rule = "If one has no tool for a task, give the task to another."
        return make_manager(self.model, "\n".join([*coworkers, rule]))
