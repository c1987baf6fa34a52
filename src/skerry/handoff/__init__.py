"""A finished run handed on: to astronomers' tools by SAMP, and to Zooniverse as a subject set."""

from skerry.handoff.messages import Message, pointing, table_of
from skerry.handoff.samp import Receipt, send
from skerry.handoff.zooniverse import SubjectSet, subject_set

__all__ = ["Message", "Receipt", "SubjectSet", "pointing", "send", "subject_set", "table_of"]
