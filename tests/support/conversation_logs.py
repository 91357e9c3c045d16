"""Small logs of conversations in the forms of Who&When and AgentRx, with labels."""

from typing import Any

FAILED_RUN = "exitcode: 1 (execution failed)\nCode output: FileNotFoundError: survey.csv"
CODE = "I count the lines.\n```python\nprint(len(open('survey.csv').readlines()))\n```"
REASON = "It hides that the file is missing."


def group_chat() -> dict[str, Any]:
    """A group chat with a code executor, whose error nobody mentions; labels in the log."""
    return {
        "question": "How many wells does the survey list?",
        "question_ID": "wells-1",
        "ground_truth": "4711",
        "is_correct": False,
        "mistake_agent": "Analyst",
        "mistake_step": "1",
        "mistake_reason": REASON,
        "history": [
            {"role": "assistant", "name": "Planner", "content": "Count the wells of the survey."},
            {"role": "user", "name": "Analyst", "content": CODE},
            {"role": "user", "name": "Terminal", "content": FAILED_RUN},
            {"role": "assistant", "name": "Planner", "content": "The survey lists 212 wells."},
            {"role": "user", "name": "Analyst", "content": "TERMINATE"},
        ],
    }


def orchestrated() -> dict[str, Any]:
    """An orchestrator that sends an agent to work; roles are speakers, with notes in brackets."""
    return {
        "question": "When does the ferry leave?",
        "question_ID": "ferry-1",
        "ground_truth": "06:45",
        "mistake_agent": "webreader",
        "mistake_step": "3",
        "history": [
            {"role": "human", "content": "When does the ferry leave?"},
            {"role": "Lead (thought)", "content": "First we read the timetable."},
            {"role": "Lead (-> WebReader)", "content": "Read the timetable of the ferry."},
            {"role": "WebReader", "content": "The page shows a picture of the harbour."},
            {"role": "Lead (thought)", "content": "Next speaker Writer"},
            {"role": "Writer", "content": "The ferry leaves at seven."},
        ],
    }


def tool_calls(*, reward: float = 0.0, task_id: int = 7) -> dict[str, Any]:
    """A customer's chat with an agent that calls tools; numbered from 1, with `reward` as truth."""
    call = {"id": "c1", "type": "function"}
    function = {"name": "find_parcel", "arguments": '{"parcel": "P-3"}'}
    messages: list[dict[str, Any]] = [
        {"role": "system", "content": "You answer questions about parcels."},
        {"role": "user", "content": "Where is parcel P-3?"},
        {"role": "assistant", "content": None, "tool_calls": [call | {"function": function}]},
        {"role": "tool", "tool_call_id": "c1", "name": "find_parcel", "content": '{"at": "Lyon"}'},
        {"role": "assistant", "content": "It is in Lyon."},
        {"role": "user", "content": "Thanks."},
    ]
    return {
        "task_id": task_id,
        "reward": reward,
        "info": {"task": {"actions": ["secret_action"]}},
        "traj": [{"index": number, **one} for number, one in enumerate(messages, 1)],
    }


def agentrx_label(id: str | int, agent: str, step: int | str) -> dict[str, Any]:
    """A label of AgentRx: several failures, one of which is the root cause."""
    other = {"failure_id": 1, "step_number": 1, "failed_agent": "Nobody"}
    cause = {"failure_id": 2, "step_number": step, "failed_agent": agent}
    return {
        "trajectory_id": id,
        "failures": [other, cause],
        "root_cause": {"failure_id": "2", "reason_for_root_cause": REASON},
        "failure_summary": REASON,
    }
