-- The statements of chat as PostgreSQL takes them; see both.sql.

-- name: lock_request
-- Locks a request, and reads its wait, which the run's lock covers.
{request_with_wait} FOR UPDATE OF {request}

-- part: kept_change
INSERT INTO {change} ({change_columns})
SELECT id, last_seq, %s, %s FROM next RETURNING session_id, seq

-- name: record_change
-- Numbers a change of a session, without gaps and in the order of commits, and keeps it. Locks the
-- session until the commit: the last lock to be taken.
WITH next AS ({next_seq} WHERE id = %s RETURNING id, last_seq) {kept_change}

-- name: record_change_of_run
-- The same in the session that a run has its card in.
WITH next AS ({next_seq} WHERE id = ({session_of_run}) RETURNING id, last_seq) {kept_change}

-- name: record_message
-- The same for a message, which is counted, too.
WITH next AS ({next_seq_said} WHERE id = %s RETURNING id, last_seq, said)
{kept_change}, (SELECT said FROM next)
