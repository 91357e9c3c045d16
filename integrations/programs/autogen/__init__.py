"""Programs of the AutoGen cases: one function per case, with its name."""

from integrations.programs.autogen.errors import cancelled as cancelled
from integrations.programs.autogen.errors import handled_error as handled_error
from integrations.programs.autogen.errors import raising_model as raising_model
from integrations.programs.autogen.errors import raising_tool as raising_tool
from integrations.programs.autogen.late_subclasses import defined_late as defined_late
from integrations.programs.autogen.single_agent import agent_with_tool as agent_with_tool
from integrations.programs.autogen.single_agent import parallel_tools as parallel_tools
from integrations.programs.autogen.single_agent import reflect_off as reflect_off
from integrations.programs.autogen.single_agent import reflect_on as reflect_on
from integrations.programs.autogen.single_agent import tool_loop as tool_loop
from integrations.programs.autogen.teams import client_streaming as client_streaming
from integrations.programs.autogen.teams import graphflow_run as graphflow_run
from integrations.programs.autogen.teams import graphflow_run_stream as graphflow_run_stream
from integrations.programs.autogen.teams import round_robin as round_robin
from integrations.programs.autogen.teams import selector as selector
from integrations.programs.autogen.teams import swarm as swarm
