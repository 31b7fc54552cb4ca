"""Keeps a shop open on one machine: starts, watches, restarts and stops its processes and its database."""

from nightmarket.platform.supervisor.child import ChildSpec
from nightmarket.platform.supervisor.instance import Instance, running
from nightmarket.platform.supervisor.lifeline import follow_supervisor
from nightmarket.platform.supervisor.supervising import Engine, Plan, Supervisor

__all__ = ["ChildSpec", "Engine", "Instance", "Plan", "Supervisor", "follow_supervisor", "running"]
