-- The statements of chat as SQLite takes them, which has no INSERT of what an UPDATE returns.

-- name: lock_request
-- Reads a request and its wait; the transaction holds the write lock.
{request_with_wait}

-- name: next_change
-- Numbers a change of a session, without gaps and in the order of commits.
{next_seq} WHERE id = %s RETURNING id, last_seq

-- name: next_change_of_run
-- The same in the session that a run has its card in.
{next_seq} WHERE id = ({session_of_run}) RETURNING id, last_seq

-- name: next_message
-- The same for a message, which is counted, too.
{next_seq_said} WHERE id = %s RETURNING id, last_seq, said

-- name: insert_change
-- Keeps a change under the number that the same transaction has given it.
INSERT INTO {change} ({change_columns}) VALUES (%s, %s, %s, %s)
