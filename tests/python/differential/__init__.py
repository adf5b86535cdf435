"""Differential test of the check: random tables and rows, judged by pgimport and by INSERT.

``tables`` makes a situation (a table with constraints, rows that are there, rows to import) from
``kinds`` (types with texts they take and refuse) and ``constraints``; ``oracle`` inserts the rows
one by one; ``product`` stages, checks and inserts them with pgimport; ``compare`` says where the
two differ and makes a deviation smaller; ``differences`` lists what differs on purpose, and why.
"""
