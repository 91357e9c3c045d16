"""Finance crews that demand a source in the report, and their reactions to a report without one."""

from crewai import Crew

from workflows.crew_finance import FinanceCrew
from workflows.support import finance


class SendsTheReportBack(FinanceCrew):
    """The fix: the guardrail sends a report without a source back to its author."""

    def find_objection(self, report: finance.Report, evidence: finance.Evidence) -> str | None:
        return super().find_objection(report, evidence) or self.find_missing_source(report)

    def find_missing_source(self, report: finance.Report) -> str | None:
        if "World Bank" in report.report:
            return None
        return "The report names no source: name it, and have the report checked."


class RunsTheCrewAgain(SendsTheReportBack):
    """The mistake: a report is not sent back to its author; instead, the whole crew starts over."""

    def find_objection(self, report: finance.Report, evidence: finance.Evidence) -> str | None:
        return FinanceCrew.find_objection(self, report, evidence)

    async def run_crew(self, crew: Crew, task: str) -> str:
        output = await super().run_crew(crew, task)
        objection = self.find_missing_source(finance.Report.model_validate_json(output))
        if objection is None:
            return output
        return await super().run_crew(crew, self.revise_task(task, objection))

    def revise_task(self, task: str, objection: str) -> str:
        """Return the task of the second round."""
        return task


class RunsTheCrewAgainWithTheObjection(RunsTheCrewAgain):
    """The twin: the crew runs again, too, but its agents are told why."""

    def revise_task(self, task: str, objection: str) -> str:
        return f"{task} The last report was sent back. {objection}"
