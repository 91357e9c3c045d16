"""What AutoGen does in each case: a function of each case's name."""

from integrations.inside.teams.alone import agent_with_tool as agent_with_tool
from integrations.inside.teams.alone import parallel_tools as parallel_tools
from integrations.inside.teams.alone import reflect_off as reflect_off
from integrations.inside.teams.alone import reflect_on as reflect_on
from integrations.inside.teams.alone import tool_loop as tool_loop
from integrations.inside.teams.failing import cancelled as cancelled
from integrations.inside.teams.failing import handled_error as handled_error
from integrations.inside.teams.failing import raising_model as raising_model
from integrations.inside.teams.failing import raising_tool as raising_tool
from integrations.inside.teams.late import defined_late as defined_late
from integrations.inside.teams.together import client_streaming as client_streaming
from integrations.inside.teams.together import graphflow_run as graphflow_run
from integrations.inside.teams.together import graphflow_run_stream as graphflow_run_stream
from integrations.inside.teams.together import round_robin as round_robin
from integrations.inside.teams.together import selector as selector
from integrations.inside.teams.together import swarm as swarm
