-- The statements of chat that read the same for PostgreSQL and SQLite; how they are written is told
-- in procedures/store/sql/both.sql.

-- name: session_of_run
-- The session that a run has its card in. Locks nothing: a card never moves.
SELECT session_id FROM {message} WHERE run_id = %s AND kind = 'run'

-- part: next_seq
UPDATE {session} SET last_seq = last_seq + 1

-- part: next_seq_said
UPDATE {session} SET last_seq = last_seq + 1, said = said + 1

-- part: change_columns
session_id, seq, kind, object, whom

-- name: seal_said
-- Keeps the seal of a session's count of messages, in the transaction that counted and locked it.
UPDATE {session} SET said_proof = %s WHERE id = %s

-- name: run_of_request
-- The run that asks. Locks nothing: it is looked up so that the run can be locked first.
SELECT run_id FROM {wait} WHERE id = (SELECT wait_id FROM {request} WHERE id = %s)

-- part: request_with_wait
SELECT {request.*}, {wait.*} FROM {request} JOIN {wait} ON {wait}.id = wait_id
WHERE {request}.id = %s

-- part: closing_request
UPDATE {request} SET status = %s, outcome = %s, closed_by = %s, closed_at = %s, closed_why = %s,
  version = version + 1
WHERE wait_id = %s AND status = 'open' RETURNING id, session_id, assigned
